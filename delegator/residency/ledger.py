"""The ledger of one endpoint: every model in memory, in which phase, for whom, and who works on it.

Only `ModelHost` writes it; the planner reads its snapshots. Knows no clock but the marks it is given, no Ollama and no
Ray. A model counts from the start of its load to the confirmed end of its unload.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from delegator.residency.planner import Resident, Snapshot

NOTHING_KNOWN: Mapping[str, float] = MappingProxyType({})


class Phase(StrEnum):
    """Where a model stands between disk and memory."""

    LOADING = "loading"
    RESIDENT = "resident"
    UNLOADING = "unloading"


@dataclass(slots=True)
class Entry:
    """One model of the ledger.

    Attributes:
        model: normalised name.
        size_bytes: what it takes; an estimate until `measured`.
        gpu_bytes: the part of it on GPUs, as measured.
        holders: sessions that hold it.
        turns: ids of the turns that run on it.
        touched: True while its keep-alive is being refreshed, which an unload must not overtake.
        last_used: mark of its last turn or load.
        foreign: another client loaded it.
        pinned: it stays whatever happens, though nobody holds it.
        weights: what identifies its weights, whatever the name; empty where it is not known.
    """

    model: str
    num_ctx: int
    size_bytes: int
    phase: Phase
    measured: bool = False
    gpu_bytes: int = 0
    holders: set[str] = field(default_factory=set)
    turns: set[str] = field(default_factory=set)
    touched: bool = False
    last_used: float = 0.0
    loaded_at: datetime | None = None
    foreign: bool = False
    pinned: bool = False
    weights: str = ""

    @property
    def kept(self) -> bool:
        """True while somebody holds or has pinned it: its keep-alive is ours to renew."""
        return bool(self.holders) or self.pinned

    @property
    def busy(self) -> bool:
        """True while it must not be touched."""
        return bool(self.turns) or self.touched or self.phase is not Phase.RESIDENT


class Ledger:
    """All models of one endpoint, by normalised name."""

    def __init__(self, capacity_bytes: int) -> None:
        """Start empty. `capacity_bytes` is what the endpoint has for models."""
        self.capacity_bytes = capacity_bytes
        self.max_models: int | None = None
        """Most models the endpoint's Ollama keeps loaded; learned when it evicts one by itself."""
        self._pins: frozenset[str] = frozenset()
        self._entries: dict[str, Entry] = {}

    def __contains__(self, model: str) -> bool:
        return model in self._entries

    def entries(self) -> list[Entry]:
        """Return all entries, oldest first."""
        return list(self._entries.values())

    def get(self, model: str) -> Entry | None:
        """Return the entry of that model, if it is in memory in any phase."""
        return self._entries.get(model)

    def require(self, model: str) -> Entry:
        """Return the entry of a model that is known to be in memory."""
        return self._entries[model]

    def put(self, entry: Entry) -> Entry:
        """Enter a model, replacing what stood under its name; it is pinned where that name is."""
        entry.pinned = entry.pinned or entry.model in self._pins
        self._entries[entry.model] = entry
        return entry

    @property
    def pins(self) -> frozenset[str]:
        """Return the models that are pinned, in memory or not."""
        return self._pins

    def pin_only(self, models: Iterable[str]) -> None:
        """Let exactly these be pinned, whenever they are in memory."""
        self._pins = frozenset(models)
        for entry in self._entries.values():
            entry.pinned = entry.model in self._pins

    def drop(self, model: str) -> Entry | None:
        """Strike a model out; return what it was."""
        return self._entries.pop(model, None)

    def snapshot(self, announced: Collection[str] = (), worth: Mapping[str, float] = NOTHING_KNOWN) -> Snapshot:
        """Return what the planner decides on. `announced`: models with work to come; `worth`: by model."""
        return Snapshot(
            self.capacity_bytes,
            tuple(
                Resident(
                    e.model,
                    e.size_bytes,
                    frozenset(e.holders),
                    e.busy,
                    e.last_used,
                    foreign=e.foreign,
                    pinned=e.pinned,
                    announced=e.model in announced,
                    worth=worth.get(e.model, 0.0),
                )
                for e in self._entries.values()
            ),
            self.max_models,
        )

    def free_slots(self, *, parallel: int) -> dict[str, int]:
        """Return how many more turns each resident model can take, at `parallel` turns a model."""
        return {
            e.model: parallel - len(e.turns)
            for e in self._entries.values()
            if e.phase is Phase.RESIDENT and not e.foreign
        }

    def held_by(self, session_id: str) -> list[Entry]:
        """Return what one session holds."""
        return [e for e in self._entries.values() if session_id in e.holders]

    def unowned(self) -> list[Entry]:
        """Return resident models of ours that nobody holds or has pinned and nothing runs on."""
        return [e for e in self._entries.values() if not (e.foreign or e.holders or e.busy or e.pinned)]

    def keep_holders(self, session_ids: Iterable[str]) -> list[tuple[str, str]]:
        """Strike out every holder that is not among `session_ids`; return the (model, session) pairs struck out."""
        alive = set(session_ids)
        gone = [(e.model, holder) for e in self._entries.values() for holder in sorted(e.holders - alive)]
        for model, holder in gone:
            self._entries[model].holders.discard(holder)
        return gone
