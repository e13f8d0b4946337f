"""The views inside a chat as a client is offered them; what they draw is tested in `tests/browser/test_apps.py`."""

from __future__ import annotations

import re

import pytest
from mcp import Client
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID

from serve_app import apps
from serve_app.mcp import at_once, build_mcp
from serve_app.operations import BY_NAME
from tests.serve_app.samples import CannedBackend


async def test_the_server_says_that_it_has_views_and_which_tools_open_them(backend: CannedBackend) -> None:
    async with Client(build_mcp(at_once(backend))) as client:
        capabilities = client.server_capabilities
        tools = (await client.list_tools()).tools
        listed = (await client.list_resources()).resources

    assert capabilities.extensions is not None
    assert EXTENSION_ID in capabilities.extensions
    opened = {tool.name: tool.meta["ui"]["resourceUri"] for tool in tools if tool.meta}
    assert opened == {name: app.uri for app in apps.APPS.values() for name in app.tools}
    assert {r.uri: r.mime_type for r in listed if r.uri.startswith("ui://")} == dict.fromkeys(apps.APPS, APP_MIME_TYPE)


@pytest.mark.parametrize("uri", apps.APPS)
async def test_a_view_is_one_whole_document_that_may_reach_no_address(backend: CannedBackend, uri: str) -> None:
    async with Client(build_mcp(at_once(backend))) as client:
        (contents,) = (await client.read_resource(uri)).contents

    assert contents.mime_type == APP_MIME_TYPE
    assert contents.meta is not None
    assert contents.meta["ui"]["csp"] == {}
    html = contents.text  # type: ignore[union-attr]
    assert html.startswith("<!doctype html>")
    assert not re.search(r"https?://|src=|href=|@import|innerHTML|insertAdjacentHTML|eval\(", html)
    assert backend.asked == [], "a view is the same for everybody: it asks for what it shows through the client"


def test_views_call_only_tools_that_read() -> None:
    called = {name for app in apps.APPS.values() for name in re.findall(r"""\btool\("(\w+)""", apps.document(app.uri))}

    assert called == {"list_active_sessions", "resource_summary", "get_session", "get_task"}
    assert all(BY_NAME[name].read_only for name in called)


async def test_a_client_without_views_is_given_the_same_text_as_ever(backend: CannedBackend) -> None:
    async with Client(build_mcp(at_once(backend))) as client:
        result = await client.call_tool("session_status", {})

    assert not result.is_error
    assert result.structured_content is not None
    assert result.content[0].text.startswith("{")  # type: ignore[union-attr]
