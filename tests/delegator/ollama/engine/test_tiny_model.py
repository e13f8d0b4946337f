"""The generated model: the same every time, and really spoken by the engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from delegator.ollama.client import ChatEnd
from delegator.ollama.engine.library import Library
from delegator.ollama.engine.tiny_model import CORPUS, TRAINED_CTX, write_tiny_model
from delegator.ollama.records import LoadOptions


def test_the_same_name_gives_the_same_bytes(tmp_path: Path):
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        folder.mkdir()
        write_tiny_model(folder / "tiny.gguf")

    assert (one / "tiny.gguf").read_bytes() == (two / "tiny.gguf").read_bytes()
    assert (one / "tiny.gguf").stat().st_size < 8_000_000


def test_its_head_says_what_it_is(library: Library):
    speaks, embeds = library.get("A"), library.get("vectors:latest")

    assert speaks is not None
    assert embeds is not None
    assert (speaks.name, speaks.family, speaks.train_ctx) == ("a:latest", "llama", TRAINED_CTX)
    assert (speaks.capabilities, embeds.capabilities) == (("completion",), ("embedding",))


def test_a_file_that_is_no_model_is_left_out(tmp_path: Path):
    write_tiny_model(tmp_path / "whole.gguf")
    (tmp_path / "garbage.gguf").write_bytes(b"not a model")
    (tmp_path / "cut.gguf").write_bytes((tmp_path / "whole.gguf").read_bytes()[:3000])

    assert [model.name for model in Library(tmp_path).all()] == ["whole:latest"]


@pytest.mark.engine
async def test_it_speaks_its_corpus_and_ends_by_itself(bring):
    _, client = await bring()

    *pieces, end = [
        piece
        async for piece in client.chat(
            "a", [{"role": "user", "content": "Hello"}], LoadOptions(2048), keep_alive_s=60, max_tokens=1500, seed=1
        )
    ]

    words = "".join(pieces).split()
    assert set(words) <= set(CORPUS.split())
    assert words[0] == "the"
    assert isinstance(end, ChatEnd)
    assert (end.done_reason, end.reply_tokens) == ("stop", len(words) + 1)  # and the piece that ends it
