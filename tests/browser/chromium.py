"""Debian's Chromium, driven by Playwright, and what it must not have had to complain of."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, WebSocket, sync_playwright

SEEN_MS = 15_000
"""How long a page may take to show what a test waits for."""

CHROMIUM_ARGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
"""No other machine can be reached. Not by Playwright's routes: with one, Chromium would keep no file of a page's."""


@contextmanager
def chromium_running() -> Iterator[Browser]:
    """Start Chromium; end it with the block. Until then no asyncio test can run in this thread."""
    found = shutil.which("chromium")
    assert found, "Chromium is not on PATH (Debian: apt-get install chromium)"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(CHROMIUM_ARGS))
        yield browser
        browser.close()


@dataclass
class Watch:
    """What went on in a page that nobody should see."""

    complaints: list[str] = field(default_factory=list)
    abroad: list[str] = field(default_factory=list)
    """Addresses that are not on this machine."""

    def attach(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("websocket", self._websocket)
        page.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _websocket(self, socket_: WebSocket) -> None:
        self._look_at(socket_.url)

    def _request(self, request: Request) -> None:
        self._look_at(request.url)

    def _look_at(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob") and parts.hostname != "127.0.0.1":
            self.abroad.append(url)


def cut_line(page: Page) -> None:
    """End the connection over which the page is kept up to date, once it stands; the page will connect anew."""
    page.wait_for_function("window.socket?.connected && window.did_handshake")
    page.evaluate("window.socket.io.engine.close()")
