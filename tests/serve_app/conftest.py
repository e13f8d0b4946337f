"""Fixtures of the faces: a canned backend behind a real server on a free port."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
import uvicorn

from delegator.settings import Settings
from serve_app.http import build_app
from tests.serve_app.samples import CannedBackend

UP_S = 20.0


class AnnouncedServer(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()


@pytest.fixture(scope="session")
def served() -> Iterator[tuple[CannedBackend, str]]:
    """Serve the application once for all tests; give its backend and address."""
    backend = CannedBackend()
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(build_app(backend, Settings()), log_level="warning", timeout_graceful_shutdown=1)
    server = AnnouncedServer(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    assert server.up.wait(UP_S)
    yield backend, f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(UP_S)
    listening.close()
    assert not thread.is_alive()


@pytest.fixture
def backend(served: tuple[CannedBackend, str]) -> CannedBackend:
    """Give the backend, with nothing asked yet and every answer its sample."""
    served[0].reset()
    return served[0]


@pytest.fixture
def address(served: tuple[CannedBackend, str], backend: CannedBackend) -> str:
    """Give the address of the application over `backend`."""
    return served[1]
