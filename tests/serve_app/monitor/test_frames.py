"""That no page of the monitor can be shown inside another page."""

from __future__ import annotations

import pytest
from starlette.datastructures import Headers
from starlette.types import Message

from serve_app.guard import HostGuard
from serve_app.monitor.frames import NoFrames

FORBIDDEN = ["frame-ancestors 'none'", "DENY"]


async def nothing() -> Message:
    raise AssertionError("nobody reads the request")


async def page(_scope, _receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
    await send({"type": "http.response.body", "body": b"<html>"})


@pytest.mark.parametrize(("host", "status"), [("127.0.0.1", 200), ("evil.example", 421)])
async def test_every_reply_forbids_frames_also_one_that_refuses(host, status):
    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"host", host.encode())]}
    await NoFrames(HostGuard(page, host="127.0.0.1"))(scope, nothing, send)

    begun, body = sent
    headers = Headers(raw=begun["headers"])
    assert begun["status"] == status
    assert [headers["content-security-policy"], headers["x-frame-options"]] == FORBIDDEN
    assert headers["content-type"]
    assert body["body"]


async def test_a_websocket_is_left_as_it_is():
    sent = []

    async def accept(_scope, _receive, send):
        await send({"type": "websocket.accept"})

    async def send(message):
        sent.append(message)

    await NoFrames(accept)({"type": "websocket", "headers": []}, nothing, send)

    assert sent == [{"type": "websocket.accept"}]
