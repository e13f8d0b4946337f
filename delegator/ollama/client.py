"""The guarded client of one Ollama host.

Owns how Delegator calls Ollama: a time limit on every phase, bounded connections, no proxy, no key from the
environment, a reply that only counts with its closing line, and errors of our own. It decides nothing: which model is
loaded when, what is retried and who waits is its caller's.

Three sets of connections, so that a question about the host never waits behind replies: short questions (raw httpx:
the ollama package drops capabilities and window sizes), calls that load models (the package), and streamed replies
(raw httpx: its line reader, used by the package, also splits at U+0085, which models may write).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from dataclasses import replace
from typing import Any, Self, TypeVar, cast

import httpx
import ollama

from delegator.errors import DeadlineExceeded, DelegatorError, OllamaRefused, ReplyBroken
from delegator.ollama import wire
from delegator.ollama.border import Call, border, error_text, from_status
from delegator.ollama.names import normalise
from delegator.ollama.ndjson import lines_of
from delegator.ollama.records import (
    ChatEnd,
    ChatMessage,
    InstalledModel,
    LoadedModel,
    LoadOptions,
    ModelFacts,
    PullProgress,
)

__all__ = [
    "ChatEnd",
    "ChatMessage",
    "InstalledModel",
    "LoadOptions",
    "LoadedModel",
    "ModelFacts",
    "OllamaClient",
    "PullProgress",
    "normalise",
]

T = TypeVar("T")

_WRITE_S = 30.0
_POOL_S = 5.0
_DRAIN_S = 1.0
"""Real seconds a finished reply may take to end its stream, so that its connection can serve again."""

_QUESTIONS = httpx.Limits(max_connections=16, max_keepalive_connections=4)
_REPLIES = httpx.Limits(max_connections=512, max_keepalive_connections=64)


class OllamaClient:
    """Speaks to one Ollama host. Build it inside the running event loop; it belongs to that loop and is not pickled.

    Attributes:
        endpoint: base URL, without a trailing slash; names the host in every error.

    Raises:
        OllamaUnavailable: from any call, when no Ollama answers. The other errors of each call stand in `border.py`.
    """

    def __init__(
        self,
        base_url: str,
        *,
        connect_s: float = 5,
        request_s: float = 15,
        first_token_s: float = 300,
        token_s: float = 120,
        scale: float = 1.0,
    ) -> None:
        """Open nothing yet; connections are made by calls.

        Args:
            base_url: such as `http://127.0.0.1:11434`.
            connect_s: real seconds to connect.
            request_s: real seconds a question about the host may take.
            first_token_s: real seconds from a chat's request to its first line; covers queue, load and prompt.
            token_s: real seconds between two lines of a reply.
            scale: model seconds per real second, for the durations that the host does not tell and we measure.
        """
        asyncio.get_running_loop()
        self.endpoint = base_url.rstrip("/")
        self._request_s = request_s
        self._first_token_s = first_token_s
        self._token_s = token_s
        self._scale = scale
        # Reading has no limit here because it is not one phase: `within` bounds each wait by what it is for.
        timeout = httpx.Timeout(connect=connect_s, read=None, write=_WRITE_S, pool=_POOL_S)
        shared: dict[str, Any] = {
            "timeout": timeout,
            "trust_env": False,  # else HTTP_PROXY is used even for loopback
            "follow_redirects": False,
            "verify": self.endpoint.startswith("https:"),  # reading the certificates takes 25 ms, for nothing on http
        }
        with border(Call(self.endpoint, "opening the client")):
            self._questions = httpx.AsyncClient(base_url=self.endpoint, limits=_QUESTIONS, **shared)
            self._replies = httpx.AsyncClient(base_url=self.endpoint, limits=_REPLIES, **shared)
            self._lifecycle = ollama.AsyncClient(self.endpoint, limits=_QUESTIONS, auth=_without_key, **shared)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections; running replies break off."""
        await self._questions.aclose()
        await self._replies.aclose()
        await self._lifecycle.close()  # type: ignore[no-untyped-call]  # the package has types for its calls only

    # ── questions about the host ──────────────────────────────────────────────────────────────────────────────────

    async def version(self) -> str:
        """Return Ollama's version: the cheapest sign of life; says nothing about its scheduler."""
        return await self._ask("version", "GET", "/api/version", wire.read_version)

    async def tags(self) -> list[InstalledModel]:
        """Return the models on the host's disk, newest first."""
        return await self._ask("tags", "GET", "/api/tags", wire.read_installed)

    async def ps(self) -> list[LoadedModel]:
        """Return the models in memory. One that is still being loaded is not among them."""
        return await self._ask("ps", "GET", "/api/ps", wire.read_loaded)

    async def show(self, model: str) -> ModelFacts:
        """Return what the model is.

        Raises:
            ModelMissing: it is not on the host's disk.
        """
        return await self._ask("show", "POST", "/api/show", wire.read_facts, model=model)

    async def simulated_scale(self) -> float | None:
        """Return how much faster than life the host runs if it is Delegator's simulator; None for a real Ollama."""
        try:
            return await self._ask("the look for a simulator", "GET", "/_sim/about", wire.read_scale)
        except OllamaRefused:
            return None

    # ── into memory and out of it ─────────────────────────────────────────────────────────────────────────────────

    async def load(self, model: str, options: LoadOptions, *, keep_alive_s: float, deadline_s: float) -> float:
        """Bring the model into memory with these options, or refresh the keep-alive of one that is there.

        Args:
            model: name of an installed model.
            options: its canonical options; others than those it is loaded with make Ollama reload it.
            keep_alive_s: model seconds it stays after its last request; negative: until it is evicted.
            deadline_s: real seconds for queue and load together. Giving up aborts the load on the host.

        Returns:
            Model seconds until it was there, waiting in the host's queue included: as the host reports them, else as
            measured here. Near zero when it was loaded already.

        Raises:
            ModelMissing: it is not on the host's disk.
            ModelLoadFailed: Ollama could not load it.
            DeadlineExceeded: not loaded by `deadline_s`; the host is suspect.
        """
        call = Call(self.endpoint, f"loading {model}", model, loads=True)
        started = time.monotonic()
        options_json = options.as_json()
        try:
            loading = self._lifecycle.generate(model=model, keep_alive=keep_alive_s, options=options_json)
            done = await self._finish(call, loading, deadline_s)
            if not done.done:
                raise call.broken("the answer does not say that the load is done")
            reported = done.load_duration
        except OllamaRefused as refused:
            if "does not support generate" not in refused.problem:
                raise
            embedding = self._lifecycle.embed(model, "", options=options_json, keep_alive=keep_alive_s)
            reported = (await self._finish(call, embedding, deadline_s)).load_duration
        return reported * 1e-9 if reported else (time.monotonic() - started) * self._scale

    async def unload(self, model: str) -> None:
        """Ask the host to unload the model once it is idle. It answers at once: only `ps` shows when it has gone.

        Raises:
            ModelMissing: it is not on the host's disk.
        """
        call = Call(self.endpoint, f"the request to unload {model}", model)
        await self._finish(call, self._lifecycle.generate(model=model, keep_alive=0), self._request_s)

    async def pull(self, model: str) -> AsyncGenerator[PullProgress, None]:
        """Download the model; done when the iterator ends. Close it (`aclosing`) to stop; a later pull resumes.

        Raises:
            ModelMissing: the registry has no such model.
            ReplyBroken: the download failed or ended before its `success`.
        """
        call = Call(self.endpoint, f"the next word of pulling {model}", model)
        opening = self._lifecycle.pull(model, stream=True)
        status = ""
        async with aclosing(cast(AsyncGenerator[ollama.ProgressResponse, None], await opening)) as lines:
            while (line := await self._finish(call, anext(lines, None), self._first_token_s)) is not None:
                status = line.status or ""
                yield PullProgress(status, line.completed or 0, line.total or 0)
        if status != "success":
            raise call.broken(f"the download ended with '{status}'")

    # ── what models do ────────────────────────────────────────────────────────────────────────────────────────────

    async def chat(
        self,
        model: str,
        messages: Sequence[ChatMessage],
        options: LoadOptions,
        *,
        keep_alive_s: float,
        max_tokens: int,
        seed: int | None = None,
    ) -> AsyncGenerator[str | ChatEnd, None]:
        """Let the model reply: pieces of text as they come, and as the last item a `ChatEnd`.

        Close the iterator (`contextlib.aclosing`) or cancel the task around it: that closes the stream, and the model
        stops at its next token.

        Raises:
            ModelMissing, ModelLoadFailed: the model is not there and cannot be brought.
            ReplyBroken: an error, a cut or a missing closing line after the reply began. What was given is void.
            DeadlineExceeded: no first line within `first_token_s`, or none within `token_s` of the one before.
            OllamaBusy: the host's queue is full.
        """
        call = Call(self.endpoint, f"the first token of {model}", model)
        body = {
            "model": model,
            "messages": [{"role": item["role"], "content": _encodable(item["content"])} for item in messages],
            "stream": True,
            "think": False,  # models that can think do so unless told otherwise, and spend the reply's tokens on it
            "keep_alive": keep_alive_s,
            "options": {**options.as_json(), "num_predict": max_tokens, **({} if seed is None else {"seed": seed})},
        }
        async with aclosing(self._stream(call, "/api/chat", body)) as lines:
            async for line in lines:
                if piece := wire.read_piece(line):
                    yield piece
                if line.get("done") is True:
                    with suppress(DelegatorError, TimeoutError):
                        async with asyncio.timeout(_DRAIN_S):
                            await anext(lines, None)
                    yield wire.read_end(line)
                    return
        raise ReplyBroken(self.endpoint, model, "it ended without its closing line")

    async def embed(
        self, model: str, texts: Sequence[str], options: LoadOptions, keep_alive_s: float
    ) -> list[list[float]]:
        """Return one vector of length 1 for each text, in their order."""
        call = Call(self.endpoint, f"embedding with {model}", model)
        asking = self._lifecycle.embed(
            model, [_encodable(text) for text in texts], options=options.as_json(), keep_alive=keep_alive_s
        )
        vectors = [list(vector) for vector in (await self._finish(call, asking, self._first_token_s)).embeddings]
        if len(vectors) != len(texts):
            raise call.broken(f"{len(vectors)} vectors came for {len(texts)} texts")
        return vectors

    # ── the ways out ──────────────────────────────────────────────────────────────────────────────────────────────

    async def _ask(
        self, what: str, method: str, path: str, read: Callable[[dict[str, Any]], T], *, model: str | None = None
    ) -> T:
        call = Call(self.endpoint, what, model)
        async with within(what, self._request_s):
            with border(call):
                response = await self._questions.request(method, path, json=None if model is None else {"model": model})
                if response.status_code != 200:
                    raise from_status(call, response.status_code, error_text(response.content))
                return read(wire.read_object(response.content))

    async def _finish(self, call: Call, answer: Awaitable[T], deadline_s: float) -> T:
        """Await a call of the ollama package within real seconds, its errors translated."""
        async with within(call.what, deadline_s):
            with border(call):
                return await answer

    async def _stream(self, call: Call, path: str, body: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """Post `body` and give the objects of the answer, each within its time limit."""
        async with AsyncExitStack() as stack:
            async with within(call.what, self._first_token_s):
                with border(call):  # nothing at all arrives while the request queues, loads and reads its prompt
                    response = await stack.enter_async_context(self._replies.stream("POST", path, json=body))
                    if response.status_code != 200:
                        raise from_status(call, response.status_code, error_text(await response.aread()))
            call = replace(call, what=f"the next token of {call.model}", begun=True)
            lines = await stack.enter_async_context(aclosing(lines_of(response)))
            while True:
                async with within(call.what, self._token_s):
                    with border(call):
                        raw = await anext(lines, None)
                        line = None if raw is None else wire.read_object(raw)
                if line is None:
                    return
                if "error" in line:
                    raise from_status(call, -1, str(line["error"]))
                yield line


@asynccontextmanager
async def within(what: str, seconds: float) -> AsyncIterator[None]:
    """Bound what happens inside; `DeadlineExceeded` names it when it took longer."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as exc:
        raise DeadlineExceeded(what, seconds) from exc


def _without_key(request: httpx.Request) -> httpx.Request:
    """Take off the bearer token that the ollama package adds from OLLAMA_API_KEY, whatever the host."""
    request.headers.pop("authorization", None)
    return request


def _encodable(text: str) -> str:
    """Replace lone surrogates, which a text may carry and UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")
