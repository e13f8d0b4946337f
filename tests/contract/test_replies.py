"""Section 2: what generate and chat answer (items 5, 6, 9 to 12, 26)."""

from __future__ import annotations

import json

import pytest

from tests.contract.conftest import Wire, lines_of


async def test_chat_streams_lines_of_json_unless_told_otherwise(wire: Wire):
    response = await wire.chat()

    lines = lines_of(response)
    assert response.headers["content-type"] == "application/x-ndjson"
    assert all(set(line) == {"model", "created_at", "message", "done"} for line in lines[:-1])
    assert all(line["message"]["role"] == "assistant" and not line["done"] for line in lines[:-1])
    assert all(line["created_at"].endswith("Z") for line in lines)


async def test_the_closing_line_carries_the_figures(wire: Wire):
    last = lines_of(await wire.chat())[-1]

    assert last["done"] is True
    assert last["done_reason"] in ("stop", "length")
    assert last["message"]["content"] == ""
    assert 0 < last["eval_count"] <= 16
    assert last["prompt_eval_count"] > 0
    assert last["total_duration"] >= last["load_duration"] + last["eval_duration"]


async def test_generate_puts_its_text_into_response_and_adds_a_context(wire: Wire):
    lines = lines_of(
        await wire.post("/api/generate", model=wire.backend.model, prompt="Hello", options={"num_predict": 4})
    )

    assert all("response" in line and "message" not in line for line in lines)
    assert isinstance(lines[-1]["context"], list)


async def test_unstreamed_is_one_object_with_the_whole_text(wire: Wire):
    whole = (await wire.chat(stream=False)).json()

    assert whole["done"] is True
    assert whole["message"]["content"]


async def test_num_predict_cuts_the_reply_and_says_so(wire: Wire):
    whole = (await wire.chat(text="Count to one hundred.", stream=False, options={"num_predict": 3})).json()

    assert (whole["done_reason"], whole["eval_count"]) == ("length", 3)


async def test_a_stop_string_ends_the_reply_before_itself(wire: Wire):
    options = {"seed": 7, "temperature": 0}
    text = (await wire.chat(stream=False, options=options)).json()["message"]["content"]
    stop = text.split()[2]

    cut = (await wire.chat(stream=False, options={**options, "stop": [stop]})).json()

    assert cut["done_reason"] == "stop"
    assert cut["message"]["content"] == text[: text.index(stop)]


async def test_the_same_seed_gives_the_same_text(wire: Wire):
    options = {"seed": 7, "temperature": 0}

    one = (await wire.chat(stream=False, options=options)).json()["message"]["content"]
    two = (await wire.chat(stream=False, options=options)).json()["message"]["content"]

    assert one == two


async def test_a_schema_is_followed(wire: Wire):
    schema = {
        "type": "object",
        "properties": {"ok": {"type": "boolean"}, "size": {"enum": ["small", "large"]}},
        "required": ["ok", "size"],
    }

    whole = (await wire.chat(stream=False, format=schema, options={"num_predict": 200})).json()

    answer = json.loads(whole["message"]["content"])
    assert isinstance(answer["ok"], bool)
    assert answer["size"] in ("small", "large")


async def test_thinking_of_a_model_that_cannot_is_a_400(wire: Wire):
    response = await wire.chat(think=True)

    assert response.status_code == 400
    assert "does not support thinking" in response.json()["error"]


async def test_think_false_is_accepted_by_every_model(wire: Wire):
    assert (await wire.chat(stream=False, think=False)).status_code == 200


async def test_a_long_conversation_loses_its_oldest_messages_silently(wire: Wire):
    messages = [{"role": "user", "content": f"Fact {i}. " + "word " * 400} for i in range(20)]
    messages.append({"role": "user", "content": "Say yes."})

    response = await wire.post(
        "/api/chat",
        model=wire.backend.model,
        messages=messages,
        stream=False,
        options={"num_ctx": 2048, "num_predict": 4},
    )

    assert response.json()["prompt_eval_count"] <= 2048


async def test_load_duration_covers_the_load(wire: Wire):
    cold = (await wire.chat(stream=False)).json()
    warm = (await wire.chat(stream=False)).json()

    assert cold["load_duration"] > 2 * warm.get("load_duration", 0)
    assert cold["total_duration"] > cold["load_duration"] > 0


@pytest.mark.parametrize("value", ["xml", 5, ["json"]])
async def test_a_format_that_is_none_is_a_400(wire: Wire, value: object):
    assert (await wire.chat(format=value)).status_code == 400
