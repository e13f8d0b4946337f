"""What we have stated about our models on one endpoint, and whether another client has changed it since.

Anyone may reload a model of ours with another window, or give it another keep-alive. The ledger follows what is true,
an event tells of it, and the next call of ours, which states the same as ever, restores it. Knowledge of an
`EndpointMemory`; calls nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from actors.outbox import Outbox
from actors.shelf import Shelf
from delegator.clock import Clock
from delegator.ollama.client import LoadedModel
from delegator.residency.ledger import Entry
from delegator.schemas import EventKind

TOLERANCE = 0.1
"""Share of the keep-alive by which an endpoint's clock may differ from ours."""


class Drift:
    """The windows and keep-alives of our models."""

    def __init__(self, clock: Clock, keep_alive_s: float, shelf: Shelf, outbox: Outbox) -> None:
        """`keep_alive_s`: model seconds, as every call of ours states them."""
        self._keep_alive = timedelta(seconds=clock.real_s(keep_alive_s))
        self._shelf = shelf
        self._outbox = outbox
        self._num_ctx: dict[str, int] = {}
        self._stated_at: dict[str, datetime] = {}
        self._contradicted: set[str] = set()
        self._found: list[str] = []

    def load_with(self, model: str, num_ctx: int) -> None:
        """State this window on every call for the model from now on."""
        self._num_ctx[model] = num_ctx

    def num_ctx_of(self, entry: Entry) -> int:
        """Return the window to state on a call for the model."""
        return self._num_ctx.get(entry.model, entry.num_ctx)

    def ours(self, entry: Entry) -> int | None:
        """Return the window with which we load the model; None where it is another client's, or not known."""
        return None if entry.foreign else self._num_ctx.get(entry.model)

    def keep_alive_stated(self, model: str, at: datetime) -> None:
        """Note a call that stated our keep-alive and began at `at`."""
        self._stated_at[model] = at

    def forget(self, model: str) -> None:
        """The model has left memory."""
        self._num_ctx.pop(model, None)
        self._stated_at.pop(model, None)
        self._contradicted.discard(model)

    def follow_window(self, entry: Entry, found: LoadedModel) -> None:
        """Let the ledger have the window that the model really has; tell when it is not the one we stated."""
        ours = self.ours(entry)
        if ours is not None and found.num_ctx in (0, self._shelf.window_of(entry.model, ours)):
            entry.num_ctx = ours
        elif found.num_ctx and found.num_ctx != entry.num_ctx:
            entry.num_ctx = found.num_ctx
            if ours is not None:
                self._outbox.tell(EventKind.DRIFT_FOUND, entry, None, what="num_ctx", ours=ours, found=found.num_ctx)
                self._found.append(f"{entry.model} had a window of {found.num_ctx} tokens instead of {ours}")

    def take_found(self) -> tuple[str, ...]:
        """Return, in words, what was found since this was last asked."""
        found, self._found = tuple(self._found), []
        return found

    def keep_alive_changed(self, entry: Entry, found: LoadedModel) -> bool:
        """Return whether another client has changed the keep-alive of a held or pinned, idle model; tell it once.

        It has where the model goes sooner than our last call asked for, or later than any of ours could ask for.
        """
        stated_at = self._stated_at.get(entry.model)
        if entry.foreign or not entry.kept or stated_at is None:
            return False
        now = datetime.now(UTC)
        least, most = stated_at + self._keep_alive * (1 - TOLERANCE), now + self._keep_alive * (1 + TOLERANCE)
        if least <= found.expires_at <= most:
            self._contradicted.discard(entry.model)
            return False
        if entry.model not in self._contradicted:
            self._contradicted.add(entry.model)
            left_s = round((found.expires_at - now).total_seconds())
            self._outbox.tell(EventKind.DRIFT_FOUND, entry, None, what="keep_alive", left_s=left_s)
            self._found.append(f"{entry.model} had another keep-alive than ours")
        return True
