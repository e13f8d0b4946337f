"""Sections 1 and 8 of the behaviour sheet: routes, names, errors (items 1 to 4)."""

from __future__ import annotations

from datetime import datetime

import pytest

from delegator.ollama.wire import read_facts
from tests.contract.conftest import Wire


async def test_the_root_says_that_ollama_is_running(wire: Wire):
    response = await wire.http.get("/")

    assert (response.status_code, response.text) == (200, "Ollama is running")


async def test_version_is_one_string(wire: Wire):
    assert list(await wire.get("/api/version")) == ["version"]


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/api/nothing", 404), ("POST", "/api/tags", 405)])
async def test_unknown_paths_and_wrong_methods_are_plain_text(wire: Wire, method: str, path: str, status: int):
    response = await wire.http.request(method, path)

    assert response.status_code == status
    assert response.headers["content-type"].startswith("text/plain")


async def test_a_foreign_host_header_gets_an_empty_403(wire: Wire):
    response = await wire.http.get("/api/version", headers={"Host": "example.com"})

    assert (response.status_code, response.content) == (403, b"")


async def test_tags_lists_installed_models_with_their_sizes_newest_first(wire: Wire):
    models = (await wire.get("/api/tags"))["models"]

    assert {"name", "model", "modified_at", "size", "digest", "details"} <= set(models[0])
    assert wire.backend.model in {model["name"] for model in models}
    times = [datetime.fromisoformat(model["modified_at"]) for model in models]
    assert times == sorted(times, reverse=True)


async def test_show_tells_shape_and_capabilities(wire: Wire):
    body = (await wire.post("/api/show", model=wire.backend.model)).json()

    architecture = body["model_info"]["general.architecture"]
    for fact in ("context_length", "block_count", "embedding_length", "attention.head_count_kv"):
        assert body["model_info"][f"{architecture}.{fact}"] > 0
    assert "completion" in body["capabilities"]


async def test_show_names_the_weight_file_by_its_digest(wire: Wire):
    bodies = [(await wire.post("/api/show", model=m)).json() for m in (wire.backend.model, wire.backend.other)]

    one, other = (read_facts(body).weights for body in bodies)
    assert len(one) == len(other) == 64
    assert one != other


@pytest.mark.parametrize("path", ["/api/show", "/api/generate", "/api/chat"])
async def test_a_model_that_is_not_there_is_a_404_that_names_it(wire: Wire, path: str):
    response = await wire.post(path, model="no-such-model", messages=[{"role": "user", "content": "x"}], prompt="x")

    assert response.status_code == 404
    assert response.json() == {"error": "model 'no-such-model' not found"}


async def test_embed_words_its_404_differently(wire: Wire):
    response = await wire.post("/api/embed", model="no-such-model", input="x")

    assert response.status_code == 404
    assert response.json() == {"error": 'model "no-such-model" not found, try pulling it first'}


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'"x"'])
async def test_a_body_that_is_no_json_object_is_a_400(wire: Wire, body: bytes):
    response = await wire.http.post("/api/chat", content=body)

    assert response.status_code == 400
    assert list(response.json()) == ["error"]


async def test_names_ignore_case_and_replies_echo_them_as_sent(wire: Wire):
    sent = wire.backend.model.upper()

    response = await wire.chat(sent, stream=False)

    assert response.json()["model"] == sent
    assert list(await wire.loaded()) == [wire.backend.model]


async def test_an_option_of_the_wrong_type_is_a_500(wire: Wire):
    response = await wire.chat(options={"num_ctx": "many"})

    assert response.status_code == 500
    assert "num_ctx" in response.json()["error"]


async def test_unknown_fields_and_options_are_ignored(wire: Wire):
    response = await wire.chat(stream=False, options={"no_such_option": 1}, no_such_field=True)

    assert response.status_code == 200
