"""Models that stay in an Ollama's memory though they were told to go, and what that says about it.

One unconfirmed unload may be another client at work on the model; several in a row mean that this Ollama does not come
to an end with what it was asked. Knowledge of an `EndpointMemory`; calls nothing.
"""

from __future__ import annotations

from actors.outbox import Outbox
from delegator.residency.ledger import Entry
from delegator.schemas import EventKind

STUCK_AFTER = 3
"""Unloads of one model in a row that were not confirmed in time, after which its Ollama is taken for stuck."""


class Stubborn:
    """How often each model has stayed."""

    def __init__(self, outbox: Outbox) -> None:
        """Know of none; what is found is told through `outbox`."""
        self._outbox = outbox
        self._stayed: dict[str, int] = {}

    def stayed(self, entry: Entry) -> str | None:
        """Note an unload that was not confirmed in time, and tell the first; return why the host may be stuck."""
        times = self._stayed[entry.model] = self._stayed.get(entry.model, 0) + 1
        if times == 1:
            self._outbox.tell(EventKind.DRIFT_FOUND, entry, None, what="unload_ignored")
        return f"{entry.model} stays in memory, told to go {times} times" if times >= STUCK_AFTER else None

    def left(self, model: str) -> bool:
        """Note that a model has gone; return whether it was one that spoke against its host, and the last of these."""
        spoke = self._stayed.pop(model, 0) >= STUCK_AFTER
        return spoke and not any(times >= STUCK_AFTER for times in self._stayed.values())
