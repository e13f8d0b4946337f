"""Reading Ollama's JSON: what is left out, odd, or not Ollama's at all."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from delegator.ollama import wire
from delegator.ollama.records import ChatEnd, InstalledModel, LoadedModel, ModelFacts


def test_left_out_figures_are_zero():
    assert wire.read_end({"done": True}) == ChatEnd(0, 0, 0.0, 0.0, 0.0, 0.0, "")


def test_durations_are_read_as_seconds():
    end = wire.read_end({"load_duration": 41_000_000, "eval_count": 42, "eval_duration": 700_000_000})

    assert [end.load_s, end.reply_s] == pytest.approx([0.041, 0.7])
    assert end.reply_tokens == 42


def test_a_loaded_model_is_read_with_its_time_in_utc():
    entry = {
        "name": "mistral:latest", "digest": "6577", "size": 54, "size_vram": 27, "context_length": 4096,
        "expires_at": "2026-01-02T03:09:05.123456789+01:00",
    }  # fmt: skip

    assert wire.read_loaded({"models": [entry]}) == [
        LoadedModel("mistral:latest", "6577", 54, 27, 4096, datetime(2026, 1, 2, 2, 9, 5, 123456, UTC))
    ]


@pytest.mark.parametrize("odd", ["0001-01-01T00:00:00+14:00", "never", None, 5])
def test_a_time_that_cannot_be_read_is_long_past(odd: object):
    (model,) = wire.read_loaded({"models": [{"name": "m", "expires_at": odd}]})

    assert model.expires_at.year == 1


def test_an_installed_remote_model_is_known_as_such():
    entries = [{"name": "big:cloud", "size": 384}, {"name": "m", "size": 5, "remote_host": "https://elsewhere"}]

    assert wire.read_installed({"models": entries}) == [
        InstalledModel("big:cloud", 384, "", remote=True),
        InstalledModel("m:latest", 5, "", remote=True),
    ]


def test_facts_fall_back_on_the_embedding_where_no_key_length_is_stated():
    info = {
        "general.architecture": "llama", "llama.context_length": 16384, "llama.block_count": 40,
        "llama.embedding_length": 5120, "llama.attention.head_count": 40,
    }  # fmt: skip

    facts = wire.read_facts({"model_info": info, "capabilities": ["completion"]})

    assert facts == ModelFacts("llama", 16384, 40, 40, 128, frozenset({"completion"}))


@pytest.mark.parametrize("body", [{"models": {}}, {"models": [1]}, {"models": [{"size": 1}]}])
def test_what_is_no_list_of_models_is_malformed(body: dict[str, object]):
    with pytest.raises(wire.MalformedReply):
        wire.read_loaded(body)


@pytest.mark.parametrize("text", [b"", b"[1]", b"<html>", b"[" * 100_000, b"\xff\xfe"])
def test_what_is_no_json_object_is_malformed(text: bytes):
    with pytest.raises(wire.MalformedReply):
        wire.read_object(text)
