"""Tells one web address what happens: in order, a few times where it does not answer, and never in anybody's way.

What waits here is lost with the process: the event log is the record, this only calls somebody's attention. The address
may hold a secret, so nothing but its host is ever told or logged.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx

log = logging.getLogger(__name__)

PAUSES_S = (1.0, 4.0, 15.0)
"""Real seconds before the second, third and last try of one message."""

MOST_WAITING = 200
"""Messages that wait at most; then the oldest goes untold."""

WORTH_ANOTHER_TRY = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers that may differ the next time."""


class Webhook:
    """One address. `error`: why it could not be told lately; None: the last message arrived, or there was none."""

    def __init__(self, address: str, *, deadline_s: float, pauses_s: Sequence[float] = PAUSES_S) -> None:
        """Nothing is opened before the first message.

        Args:
            address: where messages are posted.
            deadline_s: real seconds one try may take.
            pauses_s: real seconds before each further try.
        """
        self._address = address
        self._deadline_s = deadline_s
        self._pauses_s = pauses_s
        self.host = urlsplit(address).hostname or ""
        self.error: str | None = None
        self._waiting: deque[Mapping[str, Any]] = deque()
        self._telling: asyncio.Task[None] | None = None

    def tell(self, message: Mapping[str, Any]) -> None:
        """Post a message as JSON after those before it, without waiting for it."""
        if len(self._waiting) >= MOST_WAITING:
            self._waiting.popleft()
            log.warning("%s takes nothing: the oldest message for it goes untold", self.host)
        self._waiting.append(message)
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell_all())

    async def told(self) -> None:
        """Return when nothing waits any more, told or given up."""
        while self._telling is not None and not self._telling.done():
            await asyncio.wait([self._telling])

    async def _tell_all(self) -> None:
        logging.getLogger("httpx").addFilter(_discreet)  # adding it again changes nothing
        try:
            # In a thread: certificates are read from the disk.
            async with await asyncio.to_thread(self._client) as client:
                while self._waiting:
                    await self._deliver(client, self._waiting.popleft())
        except Exception as exc:  # what waits is told with the next message
            self._failed(f"could not be told ({type(exc).__name__})")

    def _client(self) -> httpx.AsyncClient:
        # A proxy from the environment must not stand between a program and its own machine.
        proxied = not _is_loopback(self.host)
        return httpx.AsyncClient(follow_redirects=False, trust_env=proxied, timeout=self._deadline_s)

    async def _deliver(self, client: httpx.AsyncClient, message: Mapping[str, Any]) -> None:
        for pause_s in (*self._pauses_s, None):
            problem, again = await self._post(client, message)
            if problem is None:
                self.error = None
                return
            self._failed(problem)
            if not again or pause_s is None:
                return
            await asyncio.sleep(pause_s)

    async def _post(self, client: httpx.AsyncClient, message: Mapping[str, Any]) -> tuple[str | None, bool]:
        """Try once; return what went wrong, None for nothing, and whether another try may help."""
        try:
            async with (
                asyncio.timeout(self._deadline_s),
                client.stream("POST", self._address, json=message) as response,  # its body is nobody's business
            ):
                status, good = response.status_code, response.is_success
        except (TimeoutError, httpx.TimeoutException):
            return f"did not answer within {self._deadline_s:g} s", True
        except (httpx.HTTPError, OSError) as exc:
            return f"could not be reached ({type(exc).__name__})", True
        except Exception as exc:  # whatever it is, the next message has its own chance
            return f"could not be told ({type(exc).__name__})", False
        if good:
            return None, False
        hint = "; redirects are not followed" if 300 <= status < 400 else ""
        return f"answered {status}{hint}", status in WORTH_ANOTHER_TRY

    def _failed(self, problem: str) -> None:
        self.error = f"{self.host} {problem}"
        log.warning("webhook: %s", self.error)  # never with a traceback: it could show the address


def _discreet(record: logging.LogRecord) -> bool:
    """Have httpx name only hosts: it logs every address it calls, and one may hold a secret."""
    if isinstance(record.args, tuple):
        record.args = tuple(arg.host if isinstance(arg, httpx.URL) else arg for arg in record.args)
    return True


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
