"""Pages of the monitor, open as browsers have them but without drawing them: `python -m bench.monitor_load.pages`.

People's browsers run on machines of their own; these pages cannot, so they do as little as a page can that the system
does not tell from a browser. Each loads the page, connects its websocket with compression, and answers when it is
asked whether it is still there. It counts the frames and looks at none: nothing is unpacked, parsed or drawn. The
process is a nice one, so that what it does is done after everything else.

Prints a line when all are open; ends when standard input does, and prints how many updates and bytes came.
"""

from __future__ import annotations

import ast
import asyncio
import base64
import os
import re
import sys
import uuid
from urllib.parse import urlsplit

import httpx

QUERY = re.compile(r"query: (\{.*?\}),\s*extraHeaders", re.DOTALL)

LEAST_URGENT = 19
"""Niceness of this process."""

SHORT = 12
"""Bytes of a frame below which it asks whether the page is still there: every other one is longer, also compressed."""

GREETINGS = 2
"""Frames with which a connection begins, before any update: those of Engine.IO and of Socket.IO."""

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
"""Kinds of frames."""


class Line(asyncio.Protocol):
    """The websocket of one page."""

    def __init__(self, request: str) -> None:
        self.frames = self.bytes = 0
        self.connected = asyncio.Event()
        self._request = request
        self._came = b""
        self._wire: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._wire = transport
        transport.write(self._request.encode())

    def data_received(self, data: bytes) -> None:
        self.bytes += len(data)
        self._came += data
        if not self.connected.is_set():
            head, end, rest = self._came.partition(b"\r\n\r\n")
            if not end:
                return
            if b" 101 " not in head.split(b"\r\n")[0]:
                raise RuntimeError(f"no websocket: {head[:200]!r}")
            self._came = rest
            self.connected.set()
            self._say(b"40")
        while self._take_frame():
            pass

    def _take_frame(self) -> bool:
        """Take one whole frame from what came; return whether there was one."""
        came = self._came
        if len(came) < 2 or len(came) < (start := {126: 4, 127: 10}.get(came[1], 2)):
            return False
        size = came[1] if start == 2 else int.from_bytes(came[2:start])
        if len(came) < start + size:
            return False
        self._came = came[start + size :]
        kind = came[0] & 15
        if kind == PING:
            self._say(came[start : start + size], PONG)
        elif kind < CLOSE and size < SHORT:
            self._say(b"3")
        elif kind < CLOSE:
            self.frames += 1
        return True

    @property
    def updates(self) -> int:
        """How many came so far."""
        return max(0, self.frames - GREETINGS)

    def close(self) -> None:
        self._say(b"", CLOSE)
        self._wire.close()

    def _say(self, words: bytes, kind: int = TEXT) -> None:
        size = bytes([128 | len(words)]) if len(words) < 126 else b"\xfe" + len(words).to_bytes(2)
        self._wire.write(bytes([128 | kind]) + size + bytes(4) + words)  # masked, with a mask that changes nothing


async def open_page(url: str, http: httpx.AsyncClient) -> Line:
    """Load a page and connect it."""
    html = (await http.get(url)).text
    found = QUERY.search(html)
    if found is None:
        raise RuntimeError("the page does not say how it connects; has NiceGUI changed?")
    query = ast.literal_eval(found.group(1))  # as NiceGUI writes it: Python's words, which JavaScript reads too
    if not query.get("implicit_handshake") or query["next_message_id"]:
        raise RuntimeError("the page connects in another way; has NiceGUI changed?")
    query |= {"tab_id": uuid.uuid4(), "document_id": uuid.uuid4(), "old_tab_id": "", "transport": "websocket"}
    told = "&".join(f"{name}={str(value).lower()}" for name, value in query.items()) + "&EIO=4"
    place = urlsplit(url)
    request = (
        f"GET /{place.path.split('/')[1]}/_nicegui_ws/socket.io/?{told} HTTP/1.1\r\nHost: {place.netloc}\r\n"
        f"Origin: {place.scheme}://{place.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"
    )
    loop = asyncio.get_running_loop()
    host, port = place.hostname or "127.0.0.1", place.port or 80
    _, line = await loop.create_connection(lambda: Line(request), host, port)
    async with asyncio.timeout(30):
        await line.connected.wait()
    return line


async def main(url: str, count: int) -> None:
    os.setpriority(os.PRIO_PROCESS, 0, LEAST_URGENT)
    async with httpx.AsyncClient(timeout=60, trust_env=False, follow_redirects=True) as http:
        lines = [await open_page(url, http) for _ in range(count)]
    print("open", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    updates, kilobytes = sum(line.updates for line in lines), sum(line.bytes for line in lines) / 1e3
    print(f"{updates} updates, {kilobytes:.0f} kB", flush=True)
    for line in lines:
        line.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
