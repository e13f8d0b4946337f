"""The ways to one Ollama host: three sets of connections, and on each a time limit and the border for every step.

Three, so that a question about the host never waits behind replies: short questions (raw httpx: the ollama package
drops capabilities and window sizes), calls that load models (the package), and streamed replies (raw httpx: its line
reader, which the package uses, also splits at U+0085, which models may write).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import replace
from typing import Any, TypeVar

import httpx
import ollama

from delegator.errors import DeadlineExceeded
from delegator.ollama.border import Call, border, error_text, from_status
from delegator.ollama.ndjson import lines_of
from delegator.ollama.wire import read_object

T = TypeVar("T")

_WRITE_S = 30.0
_POOL_S = 5.0

_FEW = httpx.Limits(max_connections=64, max_keepalive_connections=4)
_MANY = httpx.Limits(max_connections=512, max_keepalive_connections=64)
"""Of replies: more than Delegator has turns at once. One more than the limit would wait `_POOL_S`, then be busy."""


class Connections:
    """The connections to one host, made within the running event loop.

    Attributes:
        endpoint: base URL, without a trailing slash.
        package: the ollama package's client; await its calls through `finish`.
    """

    def __init__(self, endpoint: str, *, connect_s: float) -> None:
        """Open nothing yet.

        Raises:
            OllamaUnavailable: `endpoint` is no address.
        """
        asyncio.get_running_loop()
        self.endpoint = endpoint
        shared: dict[str, Any] = {
            # Reading has no limit here because it is not one phase: `within` bounds each wait by what it is for.
            "timeout": httpx.Timeout(connect=connect_s, read=None, write=_WRITE_S, pool=_POOL_S),
            "trust_env": False,  # else HTTP_PROXY is used even for loopback
            "follow_redirects": False,
            "verify": endpoint.startswith("https:"),  # reading the certificates takes 25 ms, for nothing on http
        }
        with border(Call(endpoint, "opening the client")):
            self._questions = httpx.AsyncClient(base_url=endpoint, limits=_FEW, **shared)
            self._replies = httpx.AsyncClient(base_url=endpoint, limits=_MANY, **shared)
            self.package = ollama.AsyncClient(endpoint, limits=_FEW, auth=_without_key, **shared)

    async def close(self) -> None:
        """Close all; what is under way breaks off."""
        await self._questions.aclose()
        await self._replies.aclose()
        await self.package.close()  # type: ignore[no-untyped-call]  # the package has types for its calls only

    async def ask(self, call: Call, path: str, read: Callable[[dict[str, Any]], T], *, seconds: float) -> T:
        """Put a short question and read the answer: a GET, or a POST about `call.model` where the call names one."""
        async with within(call.what, seconds):
            with border(call):
                if call.model is None:
                    response = await self._questions.get(path)
                else:
                    response = await self._questions.post(path, json={"model": call.model})
                if response.status_code != 200:
                    raise from_status(call, response.status_code, error_text(response.content))
                return read(read_object(response.content))

    async def finish(self, call: Call, answer: Awaitable[T], *, seconds: float) -> T:
        """Await a call of the ollama package."""
        async with within(call.what, seconds):
            with border(call):
                return await answer

    async def stream(
        self, call: Call, path: str, body: dict[str, Any], *, first_s: float, next_s: float
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Post `body` and give the objects of the answer as they come. Closing the generator closes the stream.

        Args:
            call: what the errors name; `what` is the wait for the first object.
            path: of the route.
            body: of the request.
            first_s: real seconds until the answer begins; nothing at all comes before its first object.
            next_s: real seconds between two objects.
        """
        async with AsyncExitStack() as stack:
            async with within(call.what, first_s):
                with border(call):
                    response = await stack.enter_async_context(self._replies.stream("POST", path, json=body))
                    if response.status_code != 200:
                        raise from_status(call, response.status_code, error_text(await response.aread()))
            call = replace(call, what=f"the next token of {call.model}", begun=True)
            lines = await stack.enter_async_context(aclosing(lines_of(response)))
            while True:
                async with within(call.what, next_s):
                    with border(call):
                        raw = await anext(lines, None)
                        line = None if raw is None else read_object(raw)
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
