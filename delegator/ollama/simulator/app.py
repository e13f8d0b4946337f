"""The web application: all routes, and around each what Ollama's server does to every call (items 1, 2)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web

from delegator.ollama.dialect.answers import PLAIN_TEXTS, dump
from delegator.ollama.dialect.door import is_local
from delegator.ollama.dialect.options import OptionInvalid
from delegator.ollama.dialect.requests import ApiError
from delegator.ollama.simulator.faults import FaultRule
from delegator.ollama.simulator.host import Host
from delegator.ollama.simulator.loading import LoadFailed
from delegator.ollama.simulator.routes_inference import drop
from delegator.ollama.simulator.scheduler import QueueFull

MAX_BODY_BYTES = 2**30

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def make_app(host: Host, tables: Sequence[list[web.RouteDef]]) -> web.Application:
    """Make the application of these routes."""

    @web.middleware
    async def as_ollama(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not is_local(request.host):
            return web.Response(status=403)
        if "Authorization" in request.headers:
            host.log.add("authorization_sent", path=request.path)  # nobody asked for it: a key went astray
        try:
            if not request.path.startswith("/_sim/") and (ordered := await _fault(host, request)) is not None:
                return ordered
            return await handler(request)
        except web.HTTPException as exc:
            if exc.status in PLAIN_TEXTS:
                return web.Response(status=exc.status, text=PLAIN_TEXTS[exc.status])
            raise
        except ApiError as error:
            return _error(error.status, error.text)
        except QueueFull as error:
            return _error(503, str(error))
        except (LoadFailed, OptionInvalid) as error:
            return _error(500, str(error))

    app = web.Application(middlewares=[as_ollama], client_max_size=MAX_BODY_BYTES)
    for table in tables:
        app.add_routes(table)
    return app


async def _fault(host: Host, http: web.Request) -> web.StreamResponse | None:
    """Return the answer that a fault ordered instead of the route's own, if any."""
    rules = host.faults.take("accept", path=http.path, model=await _model_of(host, http))
    await host.faults.hang(rules)
    return next((_ordered(rule, http) for rule in rules if rule.action not in ("hang", "slow")), None)


def _ordered(rule: FaultRule, http: web.Request) -> web.StreamResponse:
    if rule.action == "reset":
        return drop(http, reset=True)
    if rule.action == "wrong_content_type":
        return web.Response(text="<html><body>A proxy's page</body></html>", content_type="text/html")
    status = int(rule.args.get("code", 500))
    body = str(rule.args.get("body", dump({"error": f"status {status} to order"}).decode()))
    return web.Response(status=status, text=body, content_type=str(rule.args.get("content_type", "application/json")))


async def _model_of(host: Host, http: web.Request) -> str | None:
    """Return the model a call is about, read only when a rule wants to know."""
    if http.method != "POST" or not any(rule.phase == "accept" and rule.model for rule in host.faults.rules):
        return None
    try:
        model = (await http.json()).get("model")
    except (ValueError, AttributeError):
        return None
    return model if isinstance(model, str) else None


def _error(status: int, text: str) -> web.Response:
    return web.Response(status=status, body=dump({"error": text}), content_type="application/json", charset="utf-8")
