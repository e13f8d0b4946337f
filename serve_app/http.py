"""The HTTP face: one FastAPI application made from the table of operations, with MCP at /mcp beside it.

Owns routes, their description (OpenAPI), health and the shape of errors. What may come in is `incoming.py`, what an
error becomes `faults.py`, who may ask at all `guard.py`. Errors are `ErrorReply` on every path and for every cause.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, Protocol

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Match, Route

from delegator.errors import DeadlineExceeded, DelegatorError, InvalidInput, MethodNotAllowed, NotFound
from delegator.schemas import ErrorReply
from delegator.settings import Settings
from serve_app import caller, incoming
from serve_app.answers import error_response, reply_response
from serve_app.backend import Backend, Probe
from serve_app.docs_page import docs_page
from serve_app.faults import delegator_error
from serve_app.guard import HostGuard
from serve_app.http_words import ABOUT, error_responses, request_description
from serve_app.mcp import at_once, build_mcp
from serve_app.operations import OPERATIONS, Operation, on_face
from serve_app.version import VERSION

PING_S = 5.0
"""Real seconds that `/readyz` gives the system behind."""

MCP_PATH = "/mcp"


class ServedBackend(Backend, Probe, Protocol):
    """What the application needs behind it."""


def build_app(
    backend: ServedBackend,
    settings: Settings,
    *,
    opening: AbstractAsyncContextManager[object] | None = None,
    middleware: Sequence[Middleware] = (),
) -> FastAPI:
    """Make the application; nothing is opened before its lifespan starts.

    Args:
        backend: answers the operations.
        settings: where this listens, and what else is said about the system.
        opening: entered when the application starts and left when it stops, such as connecting the backend.
        middleware: further ASGI middleware, outermost.
    """
    mcp = build_mcp(at_once(backend))
    mcp_app = mcp.streamable_http_app(
        streamable_http_path=MCP_PATH,
        stateless_http=True,  # any replica may answer, and a client may vanish without leaving a session
        json_response=False,  # plain JSON would drop progress without a word
        host=settings.host,
    )

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            if opening is not None:
                await stack.enter_async_context(opening)
            await stack.enter_async_context(mcp.session_manager.run())  # the lifespan of an inner app never runs
            yield

    app = FastAPI(
        title="Delegator",
        version=VERSION,
        description=ABOUT,
        lifespan=lifespan,
        docs_url=None,  # these pages would load their scripts from a public server: see `docs_page.py`
        redoc_url=None,
        middleware=[*middleware, Middleware(HostGuard, host=settings.host)],
        exception_handlers={HTTPException: _http_error, DelegatorError: _any_error, Exception: _any_error},
    )
    for operation in on_face("http"):
        _add_route(app, operation, backend)
    _add_health(app, backend)
    _add_index(app, settings)
    # A Route that holds an application passes the path on as it is; a Mount at / would swallow every unknown path.
    app.router.routes.append(Route(MCP_PATH, endpoint=mcp_app, include_in_schema=False))
    return app


def _add_route(app: FastAPI, operation: Operation, backend: Backend) -> None:
    async def endpoint(http: HttpRequest) -> Response:
        try:
            with caller.calling(caller.over_http(http.headers.get(caller.HEADER))):
                return reply_response(await operation.run(backend, await incoming.read(operation, http)))
        except Exception as exc:
            return error_response(delegator_error(exc))

    assert operation.method is not None, operation.name  # noqa: S101 - a row on HTTP without a route is a bug here
    app.add_api_route(
        operation.path,
        endpoint,
        methods=[operation.method],
        operation_id=operation.name,
        summary=operation.title,
        description=operation.description,
        response_model=operation.reply,
        responses=error_responses(operation),
        tags=[operation.topic],
        openapi_extra=request_description(operation),
    )


def _add_health(app: FastAPI, backend: Probe) -> None:
    @app.get("/healthz", summary="Alive", description="This process answers.", tags=["Health"])
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get(
        "/readyz",
        summary="Ready",
        description="The system behind takes calls.",
        tags=["Health"],
        response_model=dict[str, str],
        responses={503: {"model": ErrorReply, "description": "It does not, and why."}},
    )
    async def readyz() -> Response:
        try:
            async with asyncio.timeout(PING_S):
                await backend.ping()
        except TimeoutError:
            return error_response(DeadlineExceeded("asking the system", PING_S))
        except Exception as exc:
            return error_response(delegator_error(exc))
        return JSONResponse({"status": "ready"})


def _add_index(app: FastAPI, settings: Settings) -> None:
    places = {
        "api": "/v1",
        "openapi": "/openapi.json",
        "docs": "/docs",
        "mcp": MCP_PATH,
        "monitor": "/monitor",
        "health": "/healthz",
        "ready": "/readyz",
    }
    if settings.dashboard_port:
        places["ray_dashboard"] = f"http://{settings.host}:{settings.dashboard_port}"
    operations = {op.name: f"{op.method} {op.path}" for op in OPERATIONS if op.method is not None}

    @app.get("/", include_in_schema=False)
    async def index() -> dict[str, Any]:
        return {"name": "delegator", "version": VERSION, "places": places, "operations": operations}

    @app.get("/docs", include_in_schema=False)
    async def docs(http: HttpRequest) -> Response:
        return HTMLResponse(docs_page(str(http.base_url)))


async def _any_error(_http: HttpRequest, exc: Exception) -> Response:
    return error_response(delegator_error(exc))


async def _http_error(http: HttpRequest, exc: Exception) -> Response:
    """Say in our words what the router found."""
    assert isinstance(exc, HTTPException)  # noqa: S101 - registered for nothing else
    path = http.url.path
    if exc.status_code == 405:
        return error_response(MethodNotAllowed(http.method, path, _methods_of(http)))
    if exc.status_code == 404:
        return error_response(NotFound(f"path {path}"))
    return error_response(InvalidInput("request", str(exc.detail), ""))


def _methods_of(http: HttpRequest) -> tuple[str, ...]:
    """Return every method that the path takes, over all routes that share it."""
    found: set[str] = set()
    for route in http.app.routes:
        if route.matches(http.scope)[0] is not Match.NONE:
            found |= getattr(route, "methods", None) or set()
    return tuple(sorted(found))
