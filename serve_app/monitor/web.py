"""The monitor as one web application: NiceGUI with our pages, behind the guard. Imported on the replica alone.

NiceGUI is one application per process; build this once.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fastapi import FastAPI
from nicegui import ui
from starlette.middleware import Middleware

from serve_app.backend import Backend
from serve_app.guard import HostGuard
from serve_app.monitor.pages import register
from serve_app.monitor.reads import Reads
from serve_app.monitor.shared import FRESH_RATIO

HERE = Path(__file__).parent

LOOK_EVERY_S = 2.0
"""Real seconds between two looks of a page."""

RECONNECT_S = 10.0
"""Real seconds a page that lost its connection is kept; a page that comes back later loads itself anew."""

THEME_SCRIPT = """
<script>
  // before the first paint: dark unless this browser chose light; a browser may also refuse to remember anything
  window.delegatorTheme = (theme) => {
    document.documentElement.dataset.theme = theme;
    try { localStorage.setItem("delegator-theme", theme); } catch {}
  };
  document.documentElement.dataset.theme = "dark";
  try { document.documentElement.dataset.theme = localStorage.getItem("delegator-theme") || "dark"; } catch {}
</script>
"""


def build_app(
    backend: Backend, *, host: str, middleware: Sequence[Middleware] = (), look_every_s: float = LOOK_EVERY_S
) -> FastAPI:
    """Make the application.

    Args:
        backend: what the pages read.
        host: the address of the server; decides which Host and Origin headers are answered, also for the websocket.
        middleware: further ASGI middleware, outermost.
        look_every_s: real seconds between two looks of a page.
    """
    app = FastAPI(openapi_url=None, middleware=[*middleware, Middleware(HostGuard, host=host)])
    register(Reads(backend, fresh_s=look_every_s * FRESH_RATIO), every_s=look_every_s)
    ui.add_css(HERE / "monitor.css", shared=True)
    ui.add_head_html(THEME_SCRIPT, shared=True)
    ui.run_with(
        app,
        title="Delegator",
        favicon=HERE / "monitor.svg",
        dark=True,
        language="en-US",
        tailwind=False,  # our own style sheet does it, without a compiler in the browser
        binding_refresh_interval=None,  # nothing is bound: no loop needs to look
        reconnect_timeout=RECONNECT_S,
        show_welcome_message=False,
    )
    return app
