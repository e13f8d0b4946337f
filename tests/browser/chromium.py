"""Debian's Chromium, driven by Playwright, and what it must not have had to complain of."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Route, WebSocket, sync_playwright

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
)


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
        page.route("**/*", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _websocket(self, socket_: WebSocket) -> None:
        self._look_at(socket_.url)

    def _request(self, route: Route, request: Request) -> None:
        if self._look_at(request.url):
            route.continue_()
        else:
            route.abort()

    def _look_at(self, url: str) -> bool:
        parts = urlsplit(url)
        at_home = parts.scheme in ("data", "blob") or parts.hostname == "127.0.0.1"
        if not at_home:
            self.abroad.append(url)
        return at_home
