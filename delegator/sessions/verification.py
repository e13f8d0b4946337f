"""Checks a receipt against the event log: the same pure function, run again by whoever doubts it.

Compares figures as they are shown, rounded: that is what the one who asks has received.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from delegator.schemas import Event, Receipt
from delegator.sessions.receipt import compute_receipt


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of a receipt that the log does not bear out.

    Attributes:
        field: its path, such as 'money.used.total' or 'roles.0.turns'.
        told: what the receipt says.
        found: what the log gives; None where the log gives nothing there.
    """

    field: str
    told: Any
    found: Any


NO_BASIS = Difference("basis", None, "needed, or nobody can recompute the receipt")
"""What is wrong with a receipt of the former form: it does not say what it was computed from."""


def differences(receipt: Receipt, events: Iterable[Event]) -> list[Difference]:
    """Recompute a receipt from the events of its session; return every field that differs, by its path."""
    if receipt.basis is None:
        return [NO_BASIS]
    found = compute_receipt(receipt.session_id, events, receipt.basis)
    told_fields, found_fields = _fields(receipt), _fields(found)
    paths = dict.fromkeys([*told_fields, *found_fields])
    return [
        Difference(path, told_fields.get(path), found_fields.get(path))
        for path in paths
        if told_fields.get(path) != found_fields.get(path)
    ]


def _fields(receipt: Receipt) -> dict[str, Any]:
    """Return {path: value} of every figure; the basis is what both are computed from."""
    return _flat("", receipt.model_dump(mode="json", exclude={"basis"}))


def _flat(path: str, value: Any) -> dict[str, Any]:
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if parts is None:
        return {path: value}
    found: dict[str, Any] = {}
    for key, inner in parts:
        found |= _flat(f"{path}.{key}" if path else str(key), inner)
    return found
