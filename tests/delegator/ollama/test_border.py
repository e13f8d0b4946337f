"""The border: no foreign error gets past it, and each becomes the right one of ours."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import ollama
import pytest

from delegator.errors import (
    DelegatorError,
    ModelLoadFailed,
    ModelMissing,
    ModelNotFound,
    OllamaBusy,
    OllamaRefused,
    OllamaUnavailable,
    PullFailed,
    ReplyBroken,
)
from delegator.ollama.border import Call, border, error_text, from_status

HOST = Call("http://host", "ps")
CHAT = Call("http://host", "the first token", "m:7b")
BEGUN = Call("http://host", "the next token", "m:7b", begun=True)
LOAD = Call("http://host", "loading", "m:7b", loads=True)
PULL = Call("http://host", "pulling", "m:7b", pulls=True)
DELETE = Call("http://host", "deleting", "m:7b", deletes=True)


def all_of(base: type[Exception]) -> Iterator[type[Exception]]:
    for cls in base.__subclasses__():
        yield cls
        yield from all_of(cls)


FOREIGN = sorted(
    {*all_of(httpx.HTTPError), *all_of(httpx.StreamError), httpx.InvalidURL, ollama.ResponseError, ConnectionError},
    key=lambda cls: cls.__name__,
)


@pytest.mark.parametrize("cls", FOREIGN, ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("call", [HOST, CHAT, BEGUN, LOAD, PULL, DELETE])
def test_every_foreign_error_is_translated(cls: type[Exception], call: Call):
    raised = cls.__new__(cls)
    Exception.__init__(raised, "boom")
    if isinstance(raised, ollama.ResponseError):
        raised.error, raised.status_code = "boom", -1

    with pytest.raises(DelegatorError) as told, border(call):
        raise raised

    assert told.value.__cause__ is raised


@pytest.mark.parametrize(
    "malformed", [json.JSONDecodeError("no", "", 0), AttributeError("list has no get"), TypeError("no"), KeyError("k")]
)
def test_an_answer_that_is_not_ollamas_breaks_the_reply(malformed: Exception):
    with pytest.raises(ReplyBroken), border(CHAT):
        raise malformed


def test_a_lost_connection_is_an_absent_host_before_the_reply_and_a_broken_one_after():
    with pytest.raises(OllamaUnavailable), border(CHAT):
        raise httpx.RemoteProtocolError("cut")
    with pytest.raises(ReplyBroken), border(BEGUN):
        raise httpx.RemoteProtocolError("cut")


def test_bugs_and_cancellation_pass_through():
    with pytest.raises(RuntimeError), border(CHAT):
        raise RuntimeError("Event loop is closed")
    with pytest.raises(KeyboardInterrupt), border(CHAT):
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("call", "status", "text", "expected"),
    [
        (CHAT, 404, "model 'm:7b' not found", ModelMissing),
        (CHAT, 404, "404 page not found", OllamaRefused),
        (HOST, 404, "404 page not found", OllamaRefused),
        (CHAT, 400, '"m:7b" does not support thinking', OllamaRefused),
        (CHAT, 401, "unauthorized", OllamaRefused),
        (CHAT, 403, "", OllamaRefused),
        (CHAT, 429, "slow down", OllamaBusy),
        (CHAT, 503, "server busy, please try again.  maximum pending requests exceeded", OllamaBusy),
        (CHAT, 499, "request cancelled", OllamaUnavailable),
        (CHAT, 502, "<html>bad gateway</html>", OllamaUnavailable),
        (CHAT, 302, "moved", OllamaUnavailable),
        (CHAT, 500, 'option "num_ctx" must be of type integer', OllamaRefused),
        (CHAT, 500, "llama-server process has terminated: signal: killed", ModelLoadFailed),
        (CHAT, 500, "timed out waiting for llama-server to start - progress 0.5 - ", ModelLoadFailed),
        (CHAT, 500, "model requires more system memory (20 GiB) than is available (8 GiB)", ModelLoadFailed),
        (CHAT, 500, "model runner has unexpectedly stopped, this may be due to ...", ReplyBroken),
        (LOAD, 500, "model runner has unexpectedly stopped, this may be due to ...", ModelLoadFailed),
        (CHAT, -1, "an error was encountered while running the model", ReplyBroken),
        (HOST, 500, "anything", OllamaUnavailable),
        (PULL, -1, "pull model manifest: file does not exist", ModelNotFound),
        (PULL, -1, 'pull model manifest: Get "https://registry": no such host', PullFailed),
        (PULL, -1, "write /models/blobs/sha256-1-partial-0: no space left on device", PullFailed),
        (PULL, 500, "anything", PullFailed),
        (DELETE, 404, "model 'm:7b' not found", ModelNotFound),
        (DELETE, 500, "remove /models/manifests/m: permission denied", OllamaRefused),
    ],
)
def test_each_status_becomes_the_error_that_says_what_to_do(
    call: Call, status: int, text: str, expected: type[DelegatorError]
):
    assert type(from_status(call, status, text)) is expected


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"error":"boom"}', "boom"),
        (b'{"error":{"code":1}}', '{"error":{"code":1}}'),
        (b"<html>\n bad\n</html>", "<html> bad </html>"),
        (b"", ""),
    ],
)
def test_the_words_of_an_error_body_are_found(body: bytes, text: str):
    assert error_text(body) == text
