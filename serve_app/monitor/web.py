"""The monitor as one web application: NiceGUI with our pages, behind the guard. Imported on the replica alone.

NiceGUI is one application per process; build this once.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import nicegui
from fastapi import FastAPI
from nicegui import ui
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp

from serve_app.backend import Backend
from serve_app.guard import HostGuard
from serve_app.monitor.channel import Timer
from serve_app.monitor.frames import NoFrames
from serve_app.monitor.live import Feed, Live
from serve_app.monitor.pages import register
from serve_app.monitor.speech import Speakers
from serve_app.monitor.view import Sources

HERE = Path(__file__).parent

RECONNECT_S = 10.0
"""Real seconds a page that lost its connection is kept; a page that comes back later loads itself anew."""

HEAD_SCRIPT = """
<script>
  // before the first paint: dark unless this browser chose light; a browser may also refuse to remember anything
  window.delegatorTheme = (theme) => {
    document.documentElement.dataset.theme = theme;
    try { localStorage.setItem("delegator-theme", theme); } catch {}
  };
  // as `formats.duration` writes it, in whole seconds
  window.delegatorDuration = (seconds) => {
    const whole = Math.floor(seconds), minutes = Math.floor(whole / 60), hours = Math.floor(minutes / 60);
    if (whole < 60) return whole + "s";
    return hours ? hours + "h " + (minutes % 60) + "m" : minutes + "m " + (whole % 60) + "s";
  };
  // `change`, as `changes.py` writes it, made to what was there; rows that do not differ stay the same objects
  window.delegatorChanged = (old, change) => {
    if ("new" in change) return change.new;
    const taken = (piece) => (Array.isArray(piece) ? old.slice(piece[0], piece[0] + piece[1]) : [piece.new]);
    const made = change.rows ? change.rows.flatMap(taken) : Array.isArray(old) ? [...old] : { ...old };
    const parts = Object.entries(change.parts ?? {});
    for (const [name, part] of parts) made[name] = window.delegatorChanged(made[name], part);
    return made;
  };
  // a part of every board: what `view` is, and how a change to it gets there; NiceGUI calls `changed` after each update
  window.delegatorBoard = {
    props: { view: Object, change: Object },
    methods: {
      changed() {
        const props = this.$root.elements[this.$el.id.slice(1)].props;
        if (props.change) props.view = window.delegatorChanged(props.view, props.change.change);
        delete props.change;
        // NiceGUI's script tells every three seconds what has come, for the server to forget it; that does so by itself
        // after RECONNECT_S and two heartbeats, and of fifty pages this would be a good part of their cost
        window.ackedMessageId = Infinity;
      },
    },
  };
  // a part of components whose clocks run on between what the system tells: `gone`, model seconds since `view` came
  window.delegatorClock = {
    data() { return { read: Date.now(), now: Date.now() }; },
    watch: { view() { this.read = this.now = Date.now(); } },
    mounted() { this.clock = setInterval(() => (this.now = Date.now()), 1000); },
    unmounted() { clearInterval(this.clock); },
    computed: { gone() { return (Math.max(0, this.now - this.read) / 1000) * this.view.rate; } },
  };
  document.documentElement.dataset.theme = "dark";
  try { document.documentElement.dataset.theme = localStorage.getItem("delegator-theme") || "dark"; } catch {}
</script>
"""


def build_app(
    backend: Backend,
    *,
    host: str,
    middleware: Sequence[Middleware] = (),
    feed: Feed | None = None,
    timer: Timer | None = None,
    scale: float = 1.0,
    speakers: Speakers | None = None,
) -> FastAPI:
    """Make the application.

    Args:
        backend: what the pages read, and what their controls are used through.
        host: the address of the server; decides which Host and Origin headers are answered, also for the websocket.
        middleware: further ASGI middleware, outermost.
        feed: announces new events; without it the pages ask for them every few seconds and say so.
        timer: measures and waits, instead of real time.
        scale: model seconds per real second, where models are simulated.
        speakers: lets running turns be heard; without it they are shown when they are stored.
    """
    app = FastAPI(openapi_url=None, middleware=[*middleware, Middleware(NoFrames), Middleware(HostGuard, host=host)])
    live = Live(backend.list_events, feed, timer=timer)
    register(Sources(backend, scale=scale, speakers=speakers), live)
    nicegui.app.on_shutdown(live.stop)
    for sheet in (HERE / "monitor.css", *sorted((HERE / "css").glob("*.css"))):
        ui.add_css(sheet, shared=True)
    ui.add_head_html(HEAD_SCRIPT, shared=True)
    ui.run_with(
        app,
        title="Delegator",
        favicon=HERE / "monitor.svg",
        dark=True,
        language="en-US",
        tailwind=False,  # our own style sheet does it, without a compiler in the browser
        binding_refresh_interval=None,  # nothing is bound: no loop needs to look
        reconnect_timeout=RECONNECT_S,
        gzip_middleware_factory=_quick_gzip,
        show_welcome_message=False,
    )
    return app


def _quick_gzip(app: ASGIApp) -> GZipMiddleware:
    """Compress lightly: at Starlette's own level, the scripts of a first visit would take longer than they save."""
    return GZipMiddleware(app, minimum_size=1_000, compresslevel=1)
