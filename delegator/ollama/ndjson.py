"""Lines of a streamed reply. Ends a line at LF only: `str.splitlines`, which httpx uses, also cuts at U+0085."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import httpx

from delegator.ollama.wire import MalformedReply

MAX_LINE_BYTES = 64 * 2**20
"""No honest line is longer; a host that never ends one must not fill our memory."""


async def lines_of(response: httpx.Response) -> AsyncGenerator[bytes, None]:
    """Give the lines of a body as they arrive, blank ones left out; the last one may lack its end.

    Raises:
        MalformedReply: a line longer than `MAX_LINE_BYTES`.
    """
    rest = b""
    async for chunk in response.aiter_bytes():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line.strip():
                yield line
        if len(rest) > MAX_LINE_BYTES:
            raise MalformedReply(f"a line of more than {MAX_LINE_BYTES} bytes")
    if rest.strip():
        yield rest
