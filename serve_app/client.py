"""The typed Python client: `Client` for plain code, `AsyncClient` for async code, both over the HTTP interface.

    with Client() as delegator:
        session = delegator.create_session(task_description="Add user authentication feature")
        ended = delegator.end_session(OptionalSessionRef(session_id=session.session_id))

A request is given as its model, or as the fields of it.

Owns the way of a request onto the wire and of an answer back, errors included: they are raised as the same
`DelegatorError` classes that the server raised. Which operations there are, and where, says `operations.py`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlsplit

import httpx
from pydantic import ValidationError

from delegator import schemas as s
from delegator.errors import DeadlineExceeded, RemoteError, SystemNotRunning, Unavailable
from serve_app import caller, faults
from serve_app.calls import AsyncCaller, Calls, PlainCaller
from serve_app.operations import CURRENT, Operation

DEFAULT_ADDRESS = "http://127.0.0.1:8000"
CONNECT_S = 5.0
ANSWER_S = 60.0
"""Real seconds a call may take beyond the wait it asks for itself; the server gives up earlier."""


@dataclass(frozen=True, slots=True)
class _Outgoing:
    """A request as HTTP sends it."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Mapping[str, Any] | None


class _Connected(Calls):
    def __init__(
        self, address: str = DEFAULT_ADDRESS, *, answer_s: float = ANSWER_S, calls_as: str | None = None
    ) -> None:
        """Remember where to call; nothing is opened before the first call.

        Args:
            address: scheme, host and port, such as http://127.0.0.1:8000.
            answer_s: real seconds a call may take beyond the wait it asks for itself.
            calls_as: who calls, for the event log; None: nothing is said, unless a face does (see `caller.py`).
        """
        self.address = address.rstrip("/")
        self.answer_s = answer_s
        self._calls_as = calls_as or ""

    def _headers(self) -> dict[bytes, bytes]:
        name = caller.current() or caller.cleaned(self._calls_as)
        return {caller.HEADER.encode(): name.encode("utf-8", "replace")} if name else {}

    def _settings(self) -> dict[str, Any]:
        # A proxy from the environment must not stand between a program and its own machine.
        return {"base_url": self.address, "trust_env": not _is_loopback(self.address)}

    def _timeout(self, request: s.Request) -> httpx.Timeout:
        return httpx.Timeout(self.answer_s + getattr(request, "wait_s", 0.0), connect=CONNECT_S)

    def _failed(self, exc: httpx.HTTPError, operation: Operation, timeout: httpx.Timeout) -> Exception:
        if isinstance(exc, (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol)):
            return SystemNotRunning(self.address)  # nobody took the request: it may be sent again
        if isinstance(exc, httpx.TimeoutException):
            return DeadlineExceeded(operation.name, timeout.read)
        return Unavailable(f"the connection to {self.address} broke during {operation.name}")


class Client(_Connected, PlainCaller):
    """Delegator for plain code; use as a context manager, or call `close`."""

    def __init__(
        self, address: str = DEFAULT_ADDRESS, *, answer_s: float = ANSWER_S, calls_as: str | None = None
    ) -> None:
        super().__init__(address, answer_s=answer_s, calls_as=calls_as)
        self._http = httpx.Client(**self._settings())

    def call(self, operation: Operation, request: s.Request) -> s.Reply:
        """Do one operation of the table.

        Raises:
            SystemNotRunning: nothing answers at the address.
            DeadlineExceeded, Unavailable: no answer in time, or a broken connection; it may have been done.
            DelegatorError: whatever the server answered.
        """
        out, timeout = outgoing(operation, request), self._timeout(request)
        try:
            response = self._http.request(
                out.method, out.path, params=out.query, json=out.body, headers=self._headers(), timeout=timeout
            )
        except httpx.HTTPError as exc:
            raise self._failed(exc, operation, timeout) from exc
        return incoming(operation, response, address=self.address)

    def ready(self) -> bool:
        """Return whether a Delegator answers at the address and can do its work now."""
        try:
            return self._http.get("/readyz", timeout=CONNECT_S).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


class AsyncClient(_Connected, AsyncCaller):
    """Delegator for async code; a `Backend`, so that any face can stand on it."""

    def __init__(
        self, address: str = DEFAULT_ADDRESS, *, answer_s: float = ANSWER_S, calls_as: str | None = None
    ) -> None:
        super().__init__(address, answer_s=answer_s, calls_as=calls_as)
        self._http = httpx.AsyncClient(**self._settings())

    async def call(self, operation: Operation, request: s.Request) -> s.Reply:
        """Do one operation of the table; errors as with `Client.call`."""
        out, timeout = outgoing(operation, request), self._timeout(request)
        try:
            response = await self._http.request(
                out.method, out.path, params=out.query, json=out.body, headers=self._headers(), timeout=timeout
            )
        except httpx.HTTPError as exc:
            raise self._failed(exc, operation, timeout) from exc
        return incoming(operation, response, address=self.address)

    async def ready(self) -> bool:
        """Return whether a Delegator answers at the address and can do its work now."""
        try:
            return (await self._http.get("/readyz", timeout=CONNECT_S)).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    async def alive(self) -> bool:
        """Return whether a Delegator answers at the address at all."""
        try:
            return (await self._http.get("/healthz", timeout=CONNECT_S)).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    async def ping(self) -> None:
        """Return when the system answers.

        Raises:
            SystemNotRunning: it does not.
        """
        if not await self.ready():
            raise SystemNotRunning(self.address)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.close()


def outgoing(operation: Operation, request: s.Request) -> _Outgoing:
    """Lay a request out over path, query and body, as `http.py` puts it together again."""
    if operation.method is None:
        raise ValueError(f"{operation.name} has no HTTP route")
    values = request.model_dump(mode="json", by_alias=True, exclude_unset=True)
    path = operation.path
    for name in operation.path_fields:
        value = values.pop(name, None)
        path = path.replace(f"{{{name}}}", CURRENT if value is None else quote(str(value), safe=""))
    if operation.method == "POST":
        return _Outgoing(operation.method, path, {}, values)
    query = {name: _as_query(value) for name, value in values.items() if value is not None}
    return _Outgoing(operation.method, path, query, None)


def _as_query(value: Any) -> str:
    """Write a value as one parameter; a list as words with commas between them."""
    return ",".join(str(item) for item in value) if isinstance(value, list) else str(value)


def incoming(operation: Operation, response: httpx.Response, *, address: str) -> s.Reply:
    """Read an answer as the reply of `operation`, or raise the error it tells."""
    try:
        if response.is_success:
            return operation.reply.model_validate_json(response.content)
        error = s.ErrorReply.model_validate_json(response.content).error
    except ValidationError as exc:
        raise RemoteError(address, response.status_code, f"not what {operation.name} answers") from exc
    raise faults.rebuild(error, address=address, status=response.status_code)


def _is_loopback(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
