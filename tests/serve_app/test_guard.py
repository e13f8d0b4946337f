"""Which Host and Origin headers are answered."""

from __future__ import annotations

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from serve_app.guard import HostGuard


async def ask(listening: str, host: str, origin: str | None = None) -> httpx.Response:
    app = Starlette(
        routes=[Route("/", lambda _: PlainTextResponse("ok"))],
        middleware=[Middleware(HostGuard, host=listening)],
    )
    headers = {"Host": host} | ({"Origin": origin} if origin is not None else {})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
        return await client.get("/", headers=headers)


@pytest.mark.parametrize(
    ("listening", "host", "status"),
    [
        ("127.0.0.1", "127.0.0.1:8000", 200),
        ("127.0.0.1", "127.0.0.1", 200),
        ("127.0.0.1", "localhost:8000", 200),
        ("127.0.0.1", "LOCALHOST", 200),
        ("127.0.0.1", "[::1]:8000", 200),
        ("127.0.0.1", "evil.example:8000", 421),
        ("127.0.0.1", "127.0.0.1.evil.example", 421),
        ("127.0.0.1", "192.168.1.5:8000", 421),
        ("127.0.0.1", "[::1", 421),
        ("127.0.0.1", "", 421),
        ("192.168.1.5", "192.168.1.5:8000", 200),
        ("192.168.1.5", "192.168.1.6:8000", 421),
        ("box.lan", "box.lan:8000", 200),
        ("0.0.0.0", "192.168.1.6:8000", 200),
        ("0.0.0.0", "evil.example", 421),
    ],
)
async def test_only_known_hosts_are_answered(listening: str, host: str, status: int):
    answer = await ask(listening, host)

    assert answer.status_code == status
    if status != 200:
        assert answer.json()["error"]["code"] == "host_refused"


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (None, 200),
        ("http://127.0.0.1:8000", 200),
        ("http://localhost:3000", 200),
        ("https://evil.example", 403),
        ("null", 403),
        ("", 403),
        ("http://[::1", 403),
    ],
)
async def test_pages_of_other_origins_are_refused(origin: str | None, status: int):
    answer = await ask("127.0.0.1", "127.0.0.1:8000", origin)

    assert answer.status_code == status
    if status != 200:
        assert answer.json()["error"]["code"] == "origin_refused"
