"""What lies on one Ollama endpoint's disk: lists it, fetches models onto it, takes models off it.

Part of the endpoint's `ModelHost`. Downloads are `downloads.py`'s, what is known against a model `shelf.py`'s. A model
leaves the disk only when it is idle: first out of memory, confirmed, then its files.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Collection
from dataclasses import replace

from actors.disk_messages import DiskView, OnDisk, PullView, Removed
from actors.downloads import Downloads
from actors.endpoint_memory import EndpointMemory
from actors.outbox import Outbox
from actors.shelf import Shelf
from delegator.clock import Clock
from delegator.errors import DelegatorError, ModelInUse, ModelNotFound
from delegator.ollama.client import OllamaClient, normalise
from delegator.residency.ledger import Entry, Phase
from delegator.schemas import EventKind

log = logging.getLogger(__name__)


class Disk:
    """The models on one endpoint's disk."""

    def __init__(
        self, client: OllamaClient, clock: Clock, shelf: Shelf, memory: EndpointMemory, outbox: Outbox
    ) -> None:
        """Take the parts; touches nothing until it is asked."""
        self._client = client
        self._shelf = shelf
        self._memory = memory
        self._outbox = outbox
        self._downloads = Downloads(client, clock, self._has_come)

    async def close(self) -> None:
        """Stop all downloads; a later pull of the same models goes on where they are now."""
        await self._downloads.close()

    async def view(self, names: Collection[str]) -> DiskView:
        """Return what is installed, what is on its way, and what of `names` cannot be loaded here, installed or not.

        Raises:
            OllamaUnavailable: nobody answers.
        """
        await self._shelf.look_up(names)
        models = [
            OnDisk(model.name, model.size_bytes, model.remote, self._shelf.against(model.name))
            for model in self._shelf.all()
        ]
        hopeless = {name: why for name in names if (why := self._hopeless(name)) is not None}
        largest_first = sorted(models, key=lambda model: (-model.size_bytes, model.name))
        return DiskView(tuple(largest_first), self._downloads.all(), hopeless)

    def _hopeless(self, name: str) -> str | None:
        return self._shelf.why_not(name) if self._shelf.has(name) else self._shelf.never_loads(name)

    async def pull(self, model: str, wait_s: float) -> PullView:
        """Start or join the download of a model; answer once it has ended, or after `wait_s` real seconds.

        Raises:
            DelegatorError: it has failed within that time; see `OllamaClient.pull`.
        """
        begun = self._downloads.pull(model)
        now = await self._downloads.wait(model, wait_s)
        if now.error is not None:
            raise now.error
        return replace(now, started=begun.started)

    async def look_at_pull(self, model: str, wait_s: float) -> PullView:
        """See `Downloads.wait`."""
        return await self._downloads.wait(model, wait_s)

    async def cancel_pull(self, model: str) -> PullView:
        """See `Downloads.cancel`."""
        return await self._downloads.cancel(model)

    async def _has_come(self, pulled: PullView) -> None:
        """Let the next session find a model that has just come, whatever spoke against it before."""
        self._shelf.look_again()
        self._shelf.clear(pulled.model)
        self._tell(EventKind.MODEL_PULLED, pulled.model, disk_bytes=pulled.completed_bytes, seconds=pulled.seconds)
        await self._record()

    # ── taking away ──────────────────────────────────────────────────────────────────────────────────────────────

    async def remove(self, model: str) -> Removed:
        """Unload a model, if it is loaded, wait until that is confirmed, and delete its files.

        Raises:
            ModelNotFound: it is not installed.
            ModelInUse: a session holds it, something runs on it, it is pinned, another client has loaded it, or it is
                being fetched.
            DeadlineExceeded: its unload was not confirmed; nothing is deleted then.
        """
        name = normalise(model)
        self._shelf.look_again()
        await self._shelf.look_up([])
        found = self._shelf.find(name)
        if found is None:
            raise ModelNotFound(name, f"on {self._client.endpoint}")
        memory_bytes = await self._take_out(name)
        self._refuse_if(self._in_use(name), name)  # it may have been wanted again meanwhile
        await self._client.delete(name)
        self._shelf.look_again()
        with contextlib.suppress(DelegatorError):  # the next who asks looks again
            await self._shelf.look_up([])
        self._tell(EventKind.MODEL_REMOVED, name, disk_bytes=found.size_bytes)
        await self._record()
        return Removed(name, found.size_bytes, memory_bytes)

    async def _take_out(self, name: str) -> int:
        """Unload the model; return the bytes of memory that gave back."""
        self._refuse_if(self._in_use(name), name)
        entry = self._memory.ledger.get(name)
        if entry is not None:
            await self._memory.unload(name)
        if any(normalise(loaded.name) == name for loaded in await self._client.ps()):
            raise ModelInUse(self._client.endpoint, name, "another client has loaded it")
        return 0 if entry is None else entry.size_bytes

    def _in_use(self, name: str) -> str:
        """Say who or what needs the model now; empty when nobody does."""
        entry = self._memory.ledger.get(name)
        if self._downloads.is_running(name):
            return "it is being downloaded"
        if name in self._memory.ledger.pins:
            return "it is pinned"
        if entry is None or entry.phase is Phase.UNLOADING:
            return ""
        if entry.foreign:
            return "another client has loaded it"
        if entry.turns:
            return "a turn runs on it"
        if entry.holders:
            return f"held by {', '.join(sorted(entry.holders))}"
        if entry.pinned:
            return "it is pinned"
        return "it is being loaded or refreshed" if entry.busy else ""

    def _refuse_if(self, problem: str, name: str) -> None:
        if problem:
            raise ModelInUse(self._client.endpoint, name, problem)

    def _tell(self, kind: EventKind, model: str, *, disk_bytes: int, seconds: float = 0.0) -> None:
        entry = Entry(model, 0, 0, Phase.UNLOADING)
        self._outbox.tell(kind, entry, None, disk_bytes=disk_bytes, seconds=round(seconds, 3))

    async def _record(self) -> None:
        """Have what happened recorded before it is told; where nobody takes it now, it waits in the outbox."""
        try:
            await self._outbox.flush()
        except Exception as exc:  # whatever keeps the manager away
            log.warning("an event about the disk waits for delivery: %s", exc)
