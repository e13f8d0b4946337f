"""Asks an engine process: tokens, prompts, replies, vectors. Speaks llama-server's HTTP, knows nothing of Ollama's."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import aiohttp

from delegator.ollama.dialect.requests import ApiError, Message
from delegator.ollama.engine.process import EngineProcess

GONE = "model runner has unexpectedly stopped, this may be due to resource limitations or an internal error"
"""What Ollama says when a runner is not there when it is asked."""

CUT = "an error was encountered while running the model: unexpected EOF"
"""What Ollama says when a runner ends while it speaks."""


class Engine:
    """One engine process, seen through its HTTP interface.

    Raises:
        ApiError: from any call: 500 when the process has gone, otherwise the engine's own status and words.
    """

    def __init__(self, http: aiohttp.ClientSession, process: EngineProcess) -> None:
        self._http = http
        self._process = process

    async def prompt(self, messages: Sequence[Message]) -> str:
        """Return the conversation as the one text the model reads, by its own template."""
        asked = {"messages": [{"role": item.role, "content": item.content} for item in messages]}
        return str((await self._ask("/apply-template", asked))["prompt"])

    async def tokens(self, text: str) -> list[int]:
        """Return the text as the model's tokens, the one that begins every text included."""
        asked = {"content": text, "add_special": True, "parse_special": True}
        return list((await self._ask("/tokenize", asked))["tokens"])

    async def vector(self, text: str) -> list[float]:
        """Return the vector of a text, of length 1."""
        answer = await self._ask("/v1/embeddings", {"input": text, "encoding_format": "float"})
        return list(answer["data"][0]["embedding"])

    async def complete(self, prompt: str, **how: Any) -> AsyncGenerator[dict[str, Any], None]:
        """Give the pieces of a reply as they come, the closing one last. Closing the generator stops the engine."""
        failure = GONE
        body = {"prompt": prompt, "stream": True, "cache_prompt": True, "return_tokens": True, **how}
        try:
            async with self._http.post(f"{self._process.url}/completion", json=body) as response:
                if response.status >= 400:
                    raise ApiError(response.status, await response.text())
                async for line in response.content:
                    if line.startswith(b"data: "):
                        piece = json.loads(line.removeprefix(b"data: "))
                        if "error" in piece:
                            raise ApiError(500, json.dumps(piece))
                        failure = CUT
                        yield piece
        except aiohttp.ClientError as exc:
            self._process.lost = True
            raise ApiError(500, failure) from exc

    async def _ask(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        try:
            async with self._http.post(f"{self._process.url}{path}", json=body) as response:
                if response.status >= 400:
                    raise ApiError(response.status, await response.text())
                answer: dict[str, Any] = await response.json()
                return answer
        except aiohttp.ClientError as exc:
            self._process.lost = True
            raise ApiError(500, GONE) from exc
