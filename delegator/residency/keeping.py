"""Until when each idle model stays: what `lingering.py` answered, or the turn it was brought in for by a wish.

Knows which answers still hold: one is remembered until something about it changes. `dispatcher.py` lets the models go.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from delegator.residency.demand import Demand
from delegator.residency.ledger import Entry, Ledger

WISHED_FOR_S = 60.0
"""Model seconds for which a model that was wished for in spare memory awaits its turn: others speak elsewhere first."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Moment up to which keeping a model pays, and what that is worth in GB-seconds."""

    until: float
    worth: float


class IdleModels:
    """The idle models of one endpoint."""

    def __init__(self, ledger: Ledger, demand: Demand, load_s: Callable[[str], float]) -> None:
        """Reckon with what `demand` foresees. `load_s`: model seconds a load takes."""
        self._ledger = ledger
        self._demand = demand
        self._load_s = load_s
        self._kept: dict[str, Kept] = {}
        self._wished: dict[tuple[str, str], float] = {}
        """Until when which session's turn on which model is awaited, by (session, model)."""

    def __len__(self) -> int:
        return len(self._kept) + len(self._wished)

    def wished(self, session_id: str, model: str, now: float, for_s: float = WISHED_FOR_S) -> None:
        """Keep a model for a turn that will come, although nobody foresaw that here; it gives way to any other."""
        self._wished[session_id, model] = now + for_s

    def met(self, session_id: str, model: str) -> None:
        """Note that the turn has come for which a model was wished, if one was."""
        self._wished.pop((session_id, model), None)

    def close_session(self, session_id: str) -> None:
        """Keep nothing for the turns of a session any more."""
        self._wished = {key: until for key, until in self._wished.items() if key[0] != session_id}

    def sessions_wishing(self, model: str, now: float) -> list[str]:
        """Return the sessions whose turn on that model is awaited."""
        return [session for (session, wished), until in self._wished.items() if wished == model and until > now]

    def keep(self, entry: Entry, now: float) -> Kept:
        """Return until when an idle model is kept; reckoned anew at changes, and at that moment."""
        if self._demand.changed:
            for model in self._demand.changed:
                self._kept.pop(model, None)
            self._demand.changed.clear()
        kept = self._kept.get(entry.model)
        if kept is None or kept.until <= now:
            keeping = self._demand.keeping(entry.model, entry.size_bytes, self._load_s(entry.model), now)
            kept = self._kept[entry.model] = Kept(now + keeping.for_s, keeping.worth)
        return kept

    def worths(self, now: float) -> dict[str, float]:
        """Return what each idle model is worth, GB-seconds."""
        return {entry.model: self.keep(entry, now).worth for entry in self._ledger.entries() if _may_go(entry)}

    def take_overdue(self, announced: Collection[str], now: float) -> list[Entry]:
        """Return the models whose time has come, without those that are announced; what was known of them goes."""
        self._kept = {model: kept for model, kept in self._kept.items() if model in self._ledger}
        self._wished = {key: until for key, until in self._wished.items() if until > now}
        stays = {*announced, *(model for _, model in self._wished)}
        idle = [e for e in self._ledger.entries() if _may_go(e) and e.model not in stays]
        overdue = [entry for entry in idle if self.keep(entry, now).until <= now]
        for entry in overdue:
            del self._kept[entry.model]
        return overdue

    def moments(self) -> list[float]:
        """Return the moments at which idle models are to be looked at again."""
        ends = [
            kept.until
            for model, kept in self._kept.items()
            if (entry := self._ledger.get(model)) is not None and not entry.busy
        ]
        return [*ends, *self._wished.values()]


def _may_go(entry: Entry) -> bool:
    return not (entry.busy or entry.foreign or entry.pinned)
