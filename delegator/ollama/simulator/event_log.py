"""What happened on the host, in order, and the measures that benchmarks read from it.

Times are model seconds since the host started. The log keeps its last `LIMIT` entries; the measures count all.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

from delegator.ollama.simulator.clock import Clock

LIMIT = 50_000


@dataclass(slots=True)
class Measures:
    """Sums since the start or the last reset. Seconds are model seconds, sizes bytes."""

    loads: int = 0
    load_failures: int = 0
    loads_aborted: int = 0
    load_s: float = 0.0
    evictions: Counter[str] = field(default_factory=Counter)
    """By reason: `reload`, `count`, `memory`, `retry`."""
    unloads: int = 0
    resident_byte_s: float = 0.0
    peak_bytes: int = 0
    over_capacity: int = 0
    """Allocations that reached into swap or were refused."""
    queue_wait_s: list[float] = field(default_factory=list)
    blocked_s: float = 0.0
    """Time the scheduler's one worker waited for a busy model while loads stood behind it."""
    tokens_out: int = 0
    tokens_wasted: int = 0
    """Tokens of replies whose client had gone before the end."""

    def as_json(self) -> dict[str, Any]:
        waits = sorted(self.queue_wait_s)
        return {
            "loads": self.loads,
            "load_failures": self.load_failures,
            "loads_aborted": self.loads_aborted,
            "load_s": round(self.load_s, 3),
            "evictions": dict(self.evictions),
            "unloads": self.unloads,
            "resident_gb_s": round(self.resident_byte_s / 1e9, 3),
            "peak_gb": round(self.peak_bytes / 1e9, 3),
            "over_capacity": self.over_capacity,
            "queued": len(waits),
            "queue_wait_p50_s": round(waits[len(waits) // 2], 3) if waits else 0.0,
            "queue_wait_max_s": round(waits[-1], 3) if waits else 0.0,
            "blocked_s": round(self.blocked_s, 3),
            "tokens_out": self.tokens_out,
            "tokens_wasted": self.tokens_wasted,
        }


class EventLog:
    """The host's log: numbered entries of a kind and its facts."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._count = 0
        self._entries: deque[dict[str, Any]] = deque(maxlen=LIMIT)
        self._resident_bytes = 0
        self._resident_since = 0.0
        self.measures = Measures()

    def add(self, event: str, **facts: Any) -> None:
        """Append an entry `{n, at_s, event, **facts}`."""
        self._count += 1
        self._entries.append({"n": self._count, "at_s": round(self._clock.now(), 4), "event": event, **facts})

    def after(self, number: int) -> list[dict[str, Any]]:
        """Return the entries numbered higher than `number`, oldest first."""
        return [entry for entry in self._entries if entry["n"] > number]

    def resident(self, size_bytes: int) -> None:
        """Note what models hold from now on."""
        now = self._clock.now()
        self.measures.resident_byte_s += self._resident_bytes * (now - self._resident_since)
        self._resident_bytes, self._resident_since = size_bytes, now
        self.measures.peak_bytes = max(self.measures.peak_bytes, size_bytes)

    def clear(self) -> None:
        """Forget entries and measures; numbers go on."""
        self.resident(self._resident_bytes)
        self._entries.clear()
        self.measures = Measures()
