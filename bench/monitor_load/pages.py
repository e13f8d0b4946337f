"""Pages of the monitor, open as a browser has them but without drawing them: `python -m bench.monitor_load.pages`.

A process of its own, so that what the pages cost on their side is not taken for what they cost the system. Reads the
page, connects its websocket, takes every update. Prints a line when all are open; ends when standard input does, and
prints how many updates came.
"""

from __future__ import annotations

import ast
import asyncio
import re
import sys
import uuid
from urllib.parse import urlsplit

import httpx
import socketio

QUERY = re.compile(r"query: (\{.*?\}),\s*extraHeaders", re.DOTALL)


class OpenPage:
    """One page."""

    def __init__(self) -> None:
        self.updates = 0
        self._line = socketio.AsyncClient(reconnection=False)
        self._line.on("update", self._updated)

    async def open(self, url: str, http: httpx.AsyncClient) -> None:
        """Load the page and connect it."""
        html = (await http.get(url)).text
        found = QUERY.search(html)
        if found is None:
            raise RuntimeError("the page does not say how it connects; has NiceGUI changed?")
        query = ast.literal_eval(found.group(1))  # as NiceGUI writes it: Python's words, which JavaScript reads too
        query |= {"tab_id": str(uuid.uuid4()), "document_id": str(uuid.uuid4()), "old_tab_id": ""}
        prefix = urlsplit(url).path.split("/")[1]
        told = "&".join(f"{name}={str(value).lower()}" for name, value in query.items())
        origin = url.split("/", 3)
        await self._line.connect(
            f"{'/'.join(origin[:3])}?{told}",
            headers={"Origin": "/".join(origin[:3])},
            socketio_path=f"/{prefix}/_nicegui_ws/socket.io",
            transports=["websocket"],
        )
        if not query.get("implicit_handshake"):
            await self._line.emit("handshake", query)

    async def close(self) -> None:
        await self._line.disconnect()

    def _updated(self, *_message: object) -> None:
        self.updates += 1


async def main(url: str, count: int) -> None:
    pages = [OpenPage() for _ in range(count)]
    async with httpx.AsyncClient(timeout=60, trust_env=False, follow_redirects=True) as http:
        for page in pages:
            await page.open(url, http)
    print("open", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    print(sum(page.updates for page in pages), flush=True)
    await asyncio.gather(*(page.close() for page in pages))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
