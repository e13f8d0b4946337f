"""The views inside a chat: 'now' and 'session' as MCP Apps, for clients that render them; others get the tools' text.

Owns the two documents (`ui://` resources) and which tools open which. A document is whole: style and script are in it,
and it asks for nothing but the tools of this server, through the client, as the extension `io.modelcontextprotocol/ui`
(SEP-1865, revision 2026-01-26) has it. It only looks: every tool it calls reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import mcp_types as types
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID

EXTENSIONS: Mapping[str, dict[str, Any]] = {EXTENSION_ID: {}}
"""What the server says it can do beyond the core."""


@dataclass(frozen=True, slots=True)
class App:
    """One view.

    Attributes:
        uri: its resource.
        script: the file that draws it.
        tools: the tools whose results it shows.
    """

    uri: str
    title: str
    description: str
    script: str
    tools: tuple[str, ...]


NOW = App(
    "ui://delegator/now",
    "Delegator now",
    "Who is at work, which models are in memory against what there is, who waits.",
    "now.js",
    ("session_status", "resource_summary", "list_active_sessions"),
)
SESSION = App(
    "ui://delegator/session",
    "Delegator session",
    "One session: its team, who speaks, the conversation so far, what it has saved.",
    "session.js",
    ("create_session", "start_session", "delegate_task", "get_session"),
)
APPS = {app.uri: app for app in (NOW, SESSION)}

_OF_TOOL = {tool: app for app in APPS.values() for tool in app.tools}

_META = {"ui": {"csp": {}, "prefersBorder": True}}
"""No address is declared, so that the client lets the document reach none."""

RESOURCES = [
    types.Resource(
        uri=app.uri,
        name=app.uri.removeprefix("ui://"),
        title=app.title,
        description=app.description,
        mime_type=APP_MIME_TYPE,
        _meta=_META,
    )
    for app in APPS.values()
]


def meta_of(tool: str) -> dict[str, Any] | None:
    """Return what the list of tools says about the view of one; None where it has none."""
    app = _OF_TOOL.get(tool)
    return None if app is None else {"ui": {"resourceUri": app.uri}}


def read(uri: str) -> types.ReadResourceResult | None:
    """Return the document at an address; None where there is none."""
    app = APPS.get(uri)
    if app is None:
        return None
    contents = types.TextResourceContents(uri=uri, mime_type=APP_MIME_TYPE, text=document(app.uri), _meta=_META)
    return types.ReadResourceResult(contents=[contents])


@cache
def document(uri: str) -> str:
    """Return the HTML of one view."""
    app = APPS[uri]
    style, bridge, script = (_file(name) for name in ("view.css", "bridge.js", app.script))
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{app.title}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>\n{style}</style>\n</head>\n"
        '<body>\n<main id="view"><p class="quiet">Looking …</p></main>\n'
        f"<script>\n{bridge}\n{script}</script>\n</body>\n</html>\n"
    )


def _file(name: str) -> str:
    return files("serve_app.apps").joinpath(name).read_text(encoding="utf-8")
