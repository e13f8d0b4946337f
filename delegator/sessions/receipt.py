"""The receipt: what a session held and used, recomputed from its events.

Owns the method. A model is held from a `model_held` to the `model_released` (or loss) of the same model, or to the
session's end; held several times at once, it counts once. Memory over time is added up in model seconds and set against
all roles of the catalogue resident for as long. Who writes the events, and what money a GB-second costs, is not here.

Data of the events that are read: `model_held` bytes, measured, endpoint; `model_released` endpoint; `model_loaded`
load_s; `turn_completed` prompt_tokens, reply_tokens; `session_ready` seconds_to_ready.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from delegator.clock import Clock
from delegator.schemas import Event, EventKind, Receipt

Source = Literal["measured", "estimated", "mixed"]

ModelSize = tuple[int, bool]
"""Bytes of one loaded model, and whether they were measured (True) or estimated."""

_ENDS = frozenset({EventKind.SESSION_ENDED, EventKind.SESSION_FAILED, EventKind.SESSION_TIMED_OUT})
_LETS_GO = frozenset({EventKind.MODEL_RELEASED, EventKind.MODEL_UNLOADED, EventKind.MODEL_LOST})
_BYTES_PER_GB = 10**9
_MICROSECOND = timedelta(microseconds=1)


@dataclass(slots=True)
class _Holdings:
    """What is held at one point of the walk through the events: `{(endpoint, model): roles that hold it}`."""

    baseline: Mapping[str, ModelSize]
    holders: dict[tuple[str, str], set[str | None]] = field(default_factory=dict)
    sizes: dict[tuple[str, str], int] = field(default_factory=dict)
    sources: set[bool] = field(default_factory=set)

    @property
    def held_bytes(self) -> int:
        return sum(self.sizes[key] for key, roles in self.holders.items() if roles)

    def apply(self, event: Event) -> None:
        """Take or let go of a model; other events change nothing."""
        if event.model is None:
            return
        if event.kind is EventKind.MODEL_HELD:
            self._hold(event, event.model)
        elif event.kind in _LETS_GO:
            self._let_go(event, event.model)

    def _hold(self, event: Event, model: str) -> None:
        key = (str(event.data.get("endpoint", "")), model)
        size = event.data.get("bytes")
        if isinstance(size, int) and not isinstance(size, bool) and size >= 0:
            self.sizes[key] = size
            self.sources.add(event.data.get("measured") is True)
        elif key not in self.sizes:
            self.sizes[key], measured = self.baseline.get(model, (0, False))
            self.sources.add(measured)
        self.holders.setdefault(key, set()).add(event.role)

    def _let_go(self, event: Event, model: str) -> None:
        endpoint = event.data.get("endpoint")
        for key, roles in self.holders.items():
            if key[1] != model or (endpoint is not None and key[0] != str(endpoint)):
                continue
            if event.role is None or event.kind is not EventKind.MODEL_RELEASED:
                roles.clear()  # the model left, or the session's whole claim on it
            else:
                roles -= {event.role, None}


def compute_receipt(
    session_id: str,
    events: Iterable[Event],
    *,
    baseline: Mapping[str, ModelSize],
    agents_total: int,
    clock_scale: float,
    now: datetime,
    final: bool = False,
    simulated: bool,
) -> Receipt:
    """Compute the receipt of one session.

    Args:
        session_id: whose receipt it is.
        events: of this session or of several, in any order.
        baseline: `{model: size}` of all roles of the catalogue, each model once.
        agents_total: roles in the catalogue.
        clock_scale: model seconds per real second.
        now: aware; where the receipt stops while the log has no end of the session.
        final: the session ended at `now`, though the log does not say so yet. An end in the log is final anyway.
        simulated: whether the models are.
    """
    own = sorted((event for event in events if event.session_id == session_id), key=_order)
    created, end, ended = _span(own, now)
    peak_bytes, byte_microseconds, sources = _walk(own, created, end, baseline)
    clock = Clock(clock_scale)
    duration_s = clock.between_s(created, end)
    peak_gb = peak_bytes / _BYTES_PER_GB
    gb_seconds = byte_microseconds * clock_scale / (_BYTES_PER_GB * 1_000_000)
    all_gb = sum(size_bytes for size_bytes, _ in baseline.values()) / _BYTES_PER_GB
    all_gb_seconds = all_gb * duration_s
    return Receipt(
        session_id=session_id,
        final=final or ended,
        agents_used=len({event.role for event in own if event.kind is EventKind.AGENT_SPAWNED and event.role}),
        agents_total=agents_total,
        seconds_to_ready=_seconds_to_ready(own, created, clock),
        duration_seconds=duration_s,
        peak_gb=peak_gb,
        gb_seconds=gb_seconds,
        all_roles_gb=all_gb,
        all_roles_gb_seconds=all_gb_seconds,
        memory_saved_ratio=_saved(peak_gb, all_gb),
        gb_seconds_saved_ratio=_saved(gb_seconds, all_gb_seconds),
        loads=_count(own, EventKind.MODEL_LOADED),
        load_seconds=_sum(own, EventKind.MODEL_LOADED, "load_s"),
        turns=_count(own, EventKind.TURN_COMPLETED),
        prompt_tokens=int(_sum(own, EventKind.TURN_COMPLETED, "prompt_tokens")),
        reply_tokens=int(_sum(own, EventKind.TURN_COMPLETED, "reply_tokens")),
        sizes=_source(sources),
        baseline=_source({measured for _, measured in baseline.values()}),
        simulated=simulated,
    )


def _order(event: Event) -> tuple[Any, ...]:
    """Order by time, then by the log, then by content, so that the order they come in never matters."""
    return (
        event.at,
        event.event_id,
        event.kind not in _LETS_GO,  # what goes at the same moment goes first
        event.kind,
        event.model or "",
        event.role or "",
        json.dumps(event.data, sort_keys=True, default=str),
    )


def _span(own: list[Event], now: datetime) -> tuple[datetime, datetime, bool]:
    """Return when the session began and ended (or `now`), and whether it ended."""
    created = next((event.at for event in own if event.kind is EventKind.SESSION_CREATED), own[0].at if own else now)
    ends = [event.at for event in own if event.kind in _ENDS]
    return created, max(created, max(ends, default=now)), bool(ends)


def _walk(
    own: list[Event], created: datetime, end: datetime, baseline: Mapping[str, ModelSize]
) -> tuple[int, int, set[bool]]:
    """Return the most bytes held for any time at all, bytes times microseconds, and how the sizes are known.

    Whole numbers, so that nothing is lost in adding up.
    """
    holdings = _Holdings(baseline)
    peak, total, since = 0, 0, created
    for event in own:
        at = min(max(event.at, created), end)
        peak, total = _add(holdings.held_bytes, at - since, peak, total)
        since = at
        holdings.apply(event)
    peak, total = _add(holdings.held_bytes, end - since, peak, total)
    return peak, total, holdings.sources


def _add(held_bytes: int, lasted: timedelta, peak: int, total: int) -> tuple[int, int]:
    # a model let go and one taken at the same moment were never in memory together
    microseconds = lasted // _MICROSECOND
    return (max(peak, held_bytes) if microseconds else peak), total + held_bytes * microseconds


def _seconds_to_ready(own: list[Event], created: datetime, clock: Clock) -> float | None:
    ready = next((event for event in own if event.kind is EventKind.SESSION_READY), None)
    if ready is None:
        return None
    told = _number(ready.data.get("seconds_to_ready"))
    return told if told is not None else clock.between_s(created, ready.at)


def _count(own: list[Event], kind: EventKind) -> int:
    return sum(event.kind is kind for event in own)


def _sum(own: list[Event], kind: EventKind, key: str) -> float:
    return math.fsum(_number(event.data.get(key)) or 0.0 for event in own if event.kind is kind)


def _number(value: Any) -> float | None:
    """Return a number that can be added up; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0:
        return None
    return float(value)


def _saved(used: float, everything: float) -> float:
    return 1 - used / everything if everything else 0.0


def _source(measured: set[bool]) -> Source:
    if measured == {True, False}:
        return "mixed"
    return "measured" if measured == {True} else "estimated"
