"""The downloads of one Ollama endpoint: one task per model, however many ask for it.

Owned by the endpoint's `ModelHost`, and gone with it: Ollama keeps what has come, so that a later pull goes on from
there. Remembers how the latest download of each model ended. Decides nothing about what is to be fetched.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

from actors.disk_messages import PullStatus, PullView
from delegator.clock import Clock
from delegator.errors import DelegatorError, OllamaUnavailable, PullFailed, PullNotFound
from delegator.ollama.client import OllamaClient, PullProgress, normalise

log = logging.getLogger(__name__)

REMEMBERED = 200
"""Ended downloads whose outcome is kept, the latest ones."""

CUTS_IN_A_ROW = 3
"""Connections to Ollama that may break one after the other without a byte more before a download is given up."""

SUCCESS = "success"
"""Ollama's last word of a pull: before it nothing counts as fetched."""

PAUSE_S = 0.5
"""Real seconds between a broken connection and the next try."""


@dataclass(slots=True, eq=False)
class _Download:
    model: str
    mark: float
    phase: str = "starting"
    layers: dict[str, tuple[int, int]] = field(default_factory=dict)
    status: PullStatus = "running"
    took_s: float | None = None
    error: DelegatorError | None = None
    task: asyncio.Task[None] | None = None

    @property
    def completed_bytes(self) -> int:
        return sum(completed for completed, _ in self.layers.values())

    def note(self, line: PullProgress) -> None:
        self.phase = line.status
        if line.total_bytes:
            self.layers[line.digest] = (min(line.completed_bytes, line.total_bytes), line.total_bytes)


class Downloads:
    """Starts, joins, shows and cancels them."""

    def __init__(self, client: OllamaClient, clock: Clock, pulled: Callable[[PullView], Awaitable[None]]) -> None:
        """Fetch through `client`.

        Args:
            client: of the endpoint.
            clock: gives the model seconds of every figure.
            pulled: is told of each model that has come, before that is shown.
        """
        self._client = client
        self._clock = clock
        self._pulled = pulled
        self._downloads: dict[str, _Download] = {}

    def pull(self, model: str) -> PullView:
        """Start the download of a model, or join the one under way; return at once."""
        name = normalise(model)
        download = self._downloads.get(name)
        if download is not None and download.status == "running":
            return self._view(download)
        self._downloads.pop(name, None)  # the latest stands last
        download = self._downloads[name] = _Download(name, self._clock.mark())
        download.task = asyncio.create_task(self._run(download))
        download.task.add_done_callback(lambda _: self._close_off(download))
        self._forget_old()
        return self._view(download, started=True)

    async def wait(self, model: str, wait_s: float) -> PullView:
        """Return how the download of a model stands once it has ended, or after `wait_s` real seconds.

        Raises:
            PullNotFound: there was none.
        """
        download = self._find(model)
        if download.task is not None and wait_s > 0:
            await asyncio.wait([download.task], timeout=wait_s)
        return self._view(download)

    async def cancel(self, model: str) -> PullView:
        """Stop a download and return how it ended; one that has ended stays as it is.

        Raises:
            PullNotFound: there was none.
        """
        download = self._find(model)
        if download.task is not None:
            download.task.cancel()
            await asyncio.wait([download.task])
        return self._view(download)

    def all(self) -> tuple[PullView, ...]:
        """Return every download, those that began last at the end."""
        return tuple(self._view(download) for download in self._downloads.values())

    def is_running(self, model: str) -> bool:
        """Return whether that model is on its way."""
        download = self._downloads.get(normalise(model))
        return download is not None and download.status == "running"

    async def close(self) -> None:
        """Stop them all."""
        tasks = [download.task for download in self._downloads.values() if download.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _find(self, model: str) -> _Download:
        try:
            return self._downloads[normalise(model)]
        except KeyError:
            raise PullNotFound(model) from None

    async def _run(self, download: _Download) -> None:
        try:
            await self._fetch(download)
            await self._pulled(self._view(download))
        except asyncio.CancelledError:
            self._end(download, "completed" if download.phase == SUCCESS else "cancelled")
        except DelegatorError as exc:
            self._end(download, "failed", exc)
        except Exception as exc:
            log.exception("the download of %s failed unexpectedly", download.model)
            problem = str(exc) or type(exc).__name__
            self._end(download, "failed", PullFailed(self._client.endpoint, download.model, problem))
        else:
            self._end(download, "completed")

    async def _fetch(self, download: _Download) -> None:
        """Fetch the model to Ollama's own `success`, over broken connections as long as more of it comes."""
        cuts = 0
        while True:
            before = download.completed_bytes
            try:
                async with aclosing(self._client.pull(download.model)) as lines:
                    async for line in lines:
                        download.note(line)
                return
            except OllamaUnavailable as exc:
                cuts = 1 if download.completed_bytes > before else cuts + 1
                if cuts > CUTS_IN_A_ROW:
                    raise
                log.warning("the download of %s goes on after: %s", download.model, exc.message)
                download.phase = "reconnecting"
            await asyncio.sleep(PAUSE_S)

    def _end(self, download: _Download, status: PullStatus, error: DelegatorError | None = None) -> None:
        download.took_s = self._clock.elapsed_s(download.mark)
        download.status, download.error = status, error

    def _close_off(self, download: _Download) -> None:
        """See the end of a download that was cancelled before it could begin."""
        if download.status == "running":
            self._end(download, "cancelled")

    def _forget_old(self) -> None:
        ended = [name for name, download in self._downloads.items() if download.status != "running"]
        for name in ended[: max(0, len(ended) - REMEMBERED)]:
            del self._downloads[name]

    def _view(self, download: _Download, *, started: bool = False) -> PullView:
        seconds = download.took_s
        return PullView(
            model=download.model,
            status=download.status,
            phase=download.phase,
            completed_bytes=download.completed_bytes,
            total_bytes=sum(total for _, total in download.layers.values()),
            seconds=self._clock.elapsed_s(download.mark) if seconds is None else seconds,
            error=download.error,
            started=started,
        )
