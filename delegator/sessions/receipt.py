"""The receipt: what a session held and used, recomputed from its events.

Owns the method; `docs/receipt.md` tells it to people. A receipt is a pure function of the session's events and of its
`ReceiptBasis`, which stands in it: who has both can recompute it (`verification.py`). Memory over time is added up in
model seconds and set against all roles of the catalogue resident for as long. Who writes the events is not here.

Data of the events that are read here: `model_loaded` load_s; `turn_started` waited_s; `turn_completed` prompt_tokens,
reply_tokens, seconds; `session_ready` seconds_to_ready. `holdings.py`, `swaps.py` and `electricity.py` name theirs.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from delegator.clock import Clock
from delegator.schemas import SESSION_ENDS, Event, EventKind, Receipt, ReceiptBasis, RoleUse
from delegator.sessions.electricity import electricity, measured_in
from delegator.sessions.holdings import LETS_GO, Held, walk
from delegator.sessions.money import cost, money
from delegator.sessions.numbers import number
from delegator.sessions.swaps import count_swaps
from delegator.sessions.use import Use, saved_ratio

Source = Literal["measured", "estimated", "mixed"]

_BYTES_PER_GB = 10**9
_US_PER_S = 1_000_000


def compute_receipt(session_id: str, events: Iterable[Event], basis: ReceiptBasis) -> Receipt:
    """Compute the receipt of one session.

    Args:
        session_id: whose receipt it is.
        events: of this session or of several, in any order. Those `basis` does not reach are left out.
        basis: everything else that the figures depend on.
    """
    own = sorted((e for e in events if e.session_id == session_id and _counts(e, basis)), key=_order)
    ends = [event for event in own if event.kind in SESSION_ENDS]
    created, end = _span(own, ends, basis.until)
    log = _Log(own, ends, created, Clock(basis.clock_scale).between_s(created, end))
    held = walk(own, created, end, {model.model: model for model in basis.models})
    return _written(session_id, log, held, basis)


@dataclass(frozen=True, slots=True)
class _Log:
    """The events of one session, in order; those that end it; when it was created, and for how many model seconds."""

    own: list[Event]
    ends: list[Event]
    created: datetime
    lasted_s: float

    def count(self, kind: EventKind) -> int:
        return sum(event.kind is kind for event in self.own)

    def sum(self, kind: EventKind, key: str) -> float:
        return _sum((event for event in self.own if event.kind is kind), key)


def _written(session_id: str, log: _Log, held: Held, basis: ReceiptBasis) -> Receipt:
    roles = _roles(log.own)
    speaking_s = math.fsum(role.speaking_seconds for role in roles)
    load_s = log.sum(EventKind.MODEL_LOADED, "load_s")
    used, all_roles = _used(held, speaking_s + load_s, basis), _all_roles(log.lasted_s, speaking_s, basis)
    power = electricity(used, all_roles, basis.power, None if basis.simulated else measured_in(log.ends))
    costs = cost(used, power.watt_hours, basis.prices), cost(all_roles, power.all_roles_watt_hours, basis.prices)
    peak_gb = held.peak_bytes / _BYTES_PER_GB
    all_gb = sum(model.bytes for model in basis.models if model.in_baseline) / _BYTES_PER_GB
    return Receipt(
        session_id=session_id,
        final=basis.final or bool(log.ends),
        agents_used=len({event.role for event in log.own if event.kind is EventKind.AGENT_SPAWNED and event.role}),
        agents_total=basis.agents_total,
        seconds_to_ready=_seconds_to_ready(log, basis),
        duration_seconds=log.lasted_s,
        speaking_seconds=speaking_s,
        waiting_seconds=log.sum(EventKind.TURN_STARTED, "waited_s"),
        peak_gb=peak_gb,
        gb_seconds=used.gb_seconds,
        gpu_seconds=used.gpu_seconds,
        all_roles_gb=all_gb,
        all_roles_gb_seconds=all_roles.gb_seconds,
        all_roles_gpu_seconds=all_roles.gpu_seconds,
        memory_saved_ratio=saved_ratio(peak_gb, all_gb),
        gb_seconds_saved=all_roles.gb_seconds - used.gb_seconds,
        gb_seconds_saved_ratio=saved_ratio(used.gb_seconds, all_roles.gb_seconds),
        loads=log.count(EventKind.MODEL_LOADED),
        load_seconds=load_s,
        swaps=count_swaps(log.own),
        turns=log.count(EventKind.TURN_COMPLETED),
        prompt_tokens=sum(role.prompt_tokens for role in roles),
        reply_tokens=sum(role.reply_tokens for role in roles),
        roles=roles,
        electricity=power,
        money=money(*costs, basis.prices),
        sizes=_source(held.measured),
        baseline=_source(model.measured for model in basis.models if model.in_baseline),
        simulated=basis.simulated,
        basis=basis,
    )


def _used(held: Held, computing_s: float, basis: ReceiptBasis) -> Use:
    gb_seconds = held.byte_us * basis.clock_scale / (_BYTES_PER_GB * _US_PER_S)
    return Use(gb_seconds, held.gpu_us * basis.clock_scale / _US_PER_S, computing_s)


def _all_roles(lasted_s: float, speaking_s: float, basis: ReceiptBasis) -> Use:
    """Return what all roles resident for as long would have used: they speak as long, and nothing is loaded."""
    baseline = [model for model in basis.models if model.in_baseline]
    all_gb = sum(model.bytes for model in baseline) / _BYTES_PER_GB
    return Use(all_gb * lasted_s, math.fsum(model.gpu for model in baseline) * lasted_s, speaking_s)


def _counts(event: Event, basis: ReceiptBasis) -> bool:
    """True for what was in the log when the receipt was made, and for the end that was written with it."""
    return event.event_id <= basis.last_event_id or (basis.final and event.kind in SESSION_ENDS)


def _order(event: Event) -> tuple[Any, ...]:
    """Order by time, then by the log, then by content, so that the order they come in never matters."""
    return (
        event.at,
        event.event_id,
        event.kind not in LETS_GO,  # what goes at the same moment goes first
        event.kind,
        event.model or "",
        event.role or "",
        json.dumps(event.data, sort_keys=True, default=str),
    )


def _span(own: Sequence[Event], ends: Sequence[Event], until: datetime) -> tuple[datetime, datetime]:
    """Return when the session began, and when it ended or the receipt stops.

    A session that asks a question begins with the answer: nothing is saved by waiting for one.
    """
    end = ends[-1].at if ends else until
    created = next((event.at for event in own if event.kind is EventKind.SESSION_CREATED), None)
    if created is None:
        created = end if not own or own[0].kind is EventKind.SESSION_ASKED else own[0].at
    return created, max(created, end)


def _roles(own: Sequence[Event]) -> list[RoleUse]:
    """Return what each role did, in the order in which they first finished a turn."""
    turns = [event for event in own if event.kind is EventKind.TURN_COMPLETED]
    names = dict.fromkeys(event.role or "" for event in turns)
    return [_role_use(name, [event for event in turns if (event.role or "") == name]) for name in names]


def _role_use(role: str, turns: Sequence[Event]) -> RoleUse:
    return RoleUse(
        role=role,
        turns=len(turns),
        prompt_tokens=int(_sum(turns, "prompt_tokens")),
        reply_tokens=int(_sum(turns, "reply_tokens")),
        speaking_seconds=_sum(turns, "seconds"),
    )


def _seconds_to_ready(log: _Log, basis: ReceiptBasis) -> float | None:
    ready = next((event for event in log.own if event.kind is EventKind.SESSION_READY), None)
    if ready is None:
        return None
    told = number(ready.data.get("seconds_to_ready"))
    return told if told is not None else Clock(basis.clock_scale).between_s(log.created, ready.at)


def _sum(events: Iterable[Event], key: str) -> float:
    return math.fsum(number(event.data.get(key)) or 0.0 for event in events)


def _source(measured: Iterable[bool]) -> Source:
    found = set(measured)
    if found == {True, False}:
        return "mixed"
    return "measured" if found == {True} else "estimated"
