"""How the monitor is deployed: what loads NiceGUI, and how websockets end."""

from __future__ import annotations

import subprocess
import sys

import pytest

from serve_app.monitor.deploy import MAX_ONGOING_REQUESTS, WebsocketEnd


def test_building_the_application_does_not_load_nicegui():
    program = (
        "import sys; from delegator.settings import Settings; from serve_app.monitor import application; "
        "made = application(Settings()); "
        "assert 'nicegui' not in sys.modules; print(type(made).__name__)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=100)

    assert (done.returncode, done.stdout.strip()) == (0, "Application"), done.stderr


def test_many_pages_may_be_open():
    assert MAX_ONGOING_REQUESTS >= 200


async def closing(scope, receive, send):
    """An application that hears one message and then closes as the library below NiceGUI does."""
    await receive()
    await send({"type": "websocket.close"} if scope["type"] == "websocket" else {"type": "http.response.start"})


@pytest.mark.parametrize(
    ("kind", "heard", "sent"),
    [
        ("websocket", "websocket.receive", [{"type": "websocket.close", "code": 1000}]),
        ("websocket", "websocket.disconnect", []),
        ("http", "http.disconnect", [{"type": "http.response.start"}]),
    ],
)
async def test_a_websocket_is_closed_with_a_code_and_not_after_its_browser_has_gone(kind, heard, sent):
    messages = []

    async def receive():
        return {"type": heard}

    async def send(message):
        messages.append(message)

    await WebsocketEnd(closing)({"type": kind}, receive, send)

    assert messages == sent
