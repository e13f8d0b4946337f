"""The guarded client of one Ollama host.

Owns how Delegator calls Ollama: a time limit on every phase, bounded connections, no proxy, no key from the
environment, a reply that only counts with its closing line, and errors of our own. It decides nothing: which model is
loaded when, what is retried and who waits is its caller's.

How it gets there is in `connections.py`, which errors come back in `border.py`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from typing import Any, Self, TypeVar, cast

import ollama

from delegator.errors import DelegatorError, OllamaRefused, ReplyBroken
from delegator.ollama import wire
from delegator.ollama.border import Call
from delegator.ollama.connections import Connections
from delegator.ollama.names import normalise
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

_DRAIN_S = 1.0
"""Real seconds a finished reply may take to end its stream, so that its connection can serve again."""


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
        self.endpoint = base_url.rstrip("/")
        self._request_s = request_s
        self._first_token_s = first_token_s
        self._token_s = token_s
        self._scale = scale
        self._to = Connections(self.endpoint, connect_s=connect_s)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections; running replies break off."""
        await self._to.close()

    # ── questions about the host ──────────────────────────────────────────────────────────────────────────────────

    async def version(self) -> str:
        """Return Ollama's version: the cheapest sign of life; says nothing about its scheduler."""
        return await self._ask("the question for version", "/api/version", wire.read_version)

    async def tags(self) -> list[InstalledModel]:
        """Return the models on the host's disk, newest first."""
        return await self._ask("the question for tags", "/api/tags", wire.read_installed)

    async def ps(self) -> list[LoadedModel]:
        """Return the models in memory. One that is still being loaded is not among them."""
        return await self._ask("the question for ps", "/api/ps", wire.read_loaded)

    async def show(self, model: str) -> ModelFacts:
        """Return what the model is.

        Raises:
            ModelMissing: it is not on the host's disk.
        """
        return await self._ask(f"the question about {model}", "/api/show", wire.read_facts, model=model)

    async def simulated_scale(self) -> float | None:
        """Return how much faster than life the host runs if it is Delegator's simulator; None for a real Ollama."""
        try:
            return await self._ask("the look for a simulator", "/_sim/about", wire.read_scale)
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
            loading = self._to.package.generate(model=model, keep_alive=keep_alive_s, options=options_json)
            done = await self._to.finish(call, loading, seconds=deadline_s)
            if not done.done:
                raise call.broken("the answer does not say that the load is done")
            reported = done.load_duration
        except OllamaRefused as refused:
            if "does not support generate" not in refused.problem:
                raise
            embedding = self._to.package.embed(model, "", options=options_json, keep_alive=keep_alive_s)
            reported = (await self._to.finish(call, embedding, seconds=deadline_s)).load_duration
        return reported * 1e-9 if reported else (time.monotonic() - started) * self._scale

    async def unload(self, model: str) -> None:
        """Ask the host to unload the model once it is idle. It answers at once: only `ps` shows when it has gone.

        Raises:
            ModelMissing: it is not on the host's disk.
        """
        call = Call(self.endpoint, f"the request to unload {model}", model)
        await self._to.finish(call, self._to.package.generate(model=model, keep_alive=0), seconds=self._request_s)

    async def pull(self, model: str) -> AsyncGenerator[PullProgress, None]:
        """Download the model; done when the iterator ends. Close it (`aclosing`) to stop; a later pull resumes.

        Pulls of one model share its download on the host, which stops when the last of them leaves.

        Raises:
            ModelNotFound: the registry has no such model.
            PullFailed: the download failed or ended before its `success`.
            OllamaUnavailable: the connection broke; what came so far stays on the host's disk.
        """
        call = Call(self.endpoint, f"the next word of pulling {model}", model, pulls=True)
        opening = self._to.package.pull(model, stream=True)
        status = ""
        async with aclosing(cast(AsyncGenerator[ollama.ProgressResponse, None], await opening)) as lines:
            while (line := await self._to.finish(call, anext(lines, None), seconds=self._first_token_s)) is not None:
                status = line.status or ""
                yield PullProgress(status, line.completed or 0, line.total or 0, line.digest or "")
        if status != "success":
            raise call.broken(f"the download ended with '{status}'")

    async def delete(self, model: str) -> None:
        """Take the model off the host's disk. A loaded copy of it runs on: unload it first.

        Raises:
            ModelNotFound: it is not there.
            OllamaRefused: its files cannot be removed.
        """
        call = Call(self.endpoint, f"deleting {model}", model, deletes=True)
        await self._to.finish(call, self._to.package.delete(model), seconds=self._request_s)

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
        temperature: float | None = None,
        schema: Mapping[str, Any] | None = None,
    ) -> AsyncGenerator[str | ChatEnd, None]:
        """Let the model reply: pieces of text as they come, and as the last item a `ChatEnd`.

        With a JSON `schema` every token is chosen so that the reply can still become JSON of that schema. It may all
        the same be cut off at `max_tokens` before it has: read it like any text from outside.

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
            "options": {**options.as_json(), "num_predict": max_tokens, **_stated(seed=seed, temperature=temperature)},
            **_stated(format=schema),
        }
        stream = self._to.stream(call, "/api/chat", body, first_s=self._first_token_s, next_s=self._token_s)
        async with aclosing(stream) as lines:
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
        asking = self._to.package.embed(
            model, [_encodable(text) for text in texts], options=options.as_json(), keep_alive=keep_alive_s
        )
        answer = await self._to.finish(call, asking, seconds=self._first_token_s)
        vectors = [list(vector) for vector in answer.embeddings]
        if len(vectors) != len(texts):
            raise call.broken(f"{len(vectors)} vectors came for {len(texts)} texts")
        return vectors

    async def _ask(self, what: str, path: str, read: Callable[[dict[str, Any]], T], *, model: str | None = None) -> T:
        return await self._to.ask(Call(self.endpoint, what, model), path, read, seconds=self._request_s)


def _stated(**values: object) -> dict[str, object]:
    """Leave out what is None: the host then does as it does by default."""
    return {name: value for name, value in values.items() if value is not None}


def _encodable(text: str) -> str:
    """Replace lone surrogates, which a text may carry and UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")
