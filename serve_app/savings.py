"""What was used and saved, out of receipts of any form. Pure.

A stored receipt is what a version of Delegator wrote when its session ended: a figure may be missing, or be no number.
Saved is what all roles would have held less what was held, as the store counts and sorts it (`delegator/store/`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from serve_app.formats import percent


def figure_of(receipt: Mapping[str, Any] | None, *path: str) -> float | None:
    """Return a figure of a receipt, below further names where there are several; None where it has none."""
    value = _at(receipt, path)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def word_of(receipt: Mapping[str, Any] | None, *path: str) -> str:
    """Return a word of a receipt in the same way; empty where it has none."""
    value = _at(receipt, path)
    return value if isinstance(value, str) else ""


def _at(receipt: Mapping[str, Any] | None, path: tuple[str, ...]) -> Any:
    value: Any = receipt
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def gb_seconds_of(receipt: Mapping[str, Any] | None) -> tuple[float | None, float | None]:
    """Return (used, saved) in GB-seconds; None for what the receipt does not have."""
    used, everyone = figure_of(receipt, "gb_seconds"), figure_of(receipt, "all_roles_gb_seconds")
    return used, None if used is None or everyone is None else everyone - used


def share_saved(used: float, saved: float) -> str:
    """Say how much of what all roles would have held was saved; nothing where there is nothing to compare with."""
    everyone = used + saved
    return f"{percent(saved / everyone)} of what all roles would have held" if everyone > 0 else ""
