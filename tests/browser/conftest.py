"""Fixtures of the browser tests: the monitor on a free port, and a Chromium that looks at it.

NiceGUI is one application per process, so one server serves all tests; each test gives it a scene of its own.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import uvicorn
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.chromium import SEEN_MS, Watch, chromium_running
from tests.browser.scene import Scene
from tests.browser.stage import Stage

UP_S = 30.0


@dataclass
class Server:
    """The monitor, served."""

    url: str
    stage: Stage


class AnnouncedServer(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    from serve_app.monitor.web import build_app

    stage = Stage()
    listening = socket.create_server(("127.0.0.1", 0))
    app = build_app(stage, host="127.0.0.1", feed=stage, timer=stage.haste, speakers=stage)
    serving = AnnouncedServer(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=serving.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    assert serving.up.wait(UP_S)
    yield Server(f"http://127.0.0.1:{listening.getsockname()[1]}", stage)
    serving.should_exit = True
    thread.join(UP_S)
    listening.close()
    assert not thread.is_alive()


@pytest.fixture
def scene(server: Server) -> Scene:
    """A fresh, idle system behind the monitor."""
    server.stage.set(Scene())
    return server.stage.scene


@pytest.fixture(scope="module")  # not the session: while it lives, Playwright's loop runs here, and no asyncio test can
def profile(server: Server) -> Iterator[BrowserContext]:
    """A browser that keeps the files of the pages it has shown, as a person's does."""
    with chromium_running() as browser:
        context = browser.new_context(base_url=server.url, locale="en-GB", timezone_id="UTC")
        context.set_default_timeout(SEEN_MS)
        expect.set_options(timeout=SEEN_MS)
        yield context
        context.close()


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def viewport() -> tuple[int, int]:
    """Width and height of the window; a test may override it."""
    return (1280, 900)


@pytest.fixture
def page(profile: BrowserContext, scene: Scene, watch: Watch, viewport: tuple[int, int]) -> Iterator[Page]:
    """A page of somebody who has never been here; in the end it must have had nothing to complain of."""
    width, height = viewport
    shown = profile.new_page()
    shown.set_viewport_size({"width": width, "height": height})
    watch.attach(shown)
    yield shown
    profile.set_offline(False)
    if shown.url.startswith("http"):
        shown.evaluate("localStorage.clear()")
    profile.clear_cookies()
    for each in profile.pages:
        each.close()
    assert watch.complaints == []
    assert watch.abroad == []
