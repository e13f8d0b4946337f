"""The order in which roles lead and speak.

Owns the ranks of the nine known roles and the rule for any other. Who reports to whom is the catalogue's business;
this file only turns it into one order.
"""

from __future__ import annotations

from collections.abc import Mapping

KNOWN_LEVELS: Mapping[str, int] = {
    "ceo": 0,
    "cto": 1,
    "product_manager": 1,
    "chro": 1,
    "operations_head": 1,
    "senior_architect": 2,
    "uiux_engineer": 2,
    "senior_developer": 3,
    "test_lead": 3,
}
"""The nine known roles in rank order, each with its distance from the top of the full hierarchy."""

KNOWN_SUPERIORS: Mapping[str, str | None] = {
    "ceo": None,
    "cto": "ceo",
    "product_manager": "ceo",
    "chro": "ceo",
    "operations_head": "ceo",
    "senior_architect": "cto",
    "uiux_engineer": "product_manager",
    "senior_developer": "senior_architect",
    "test_lead": "senior_architect",
}
"""Whom each known role reports to where all nine exist. Answers who stands in for a role that a catalogue left out."""

_KNOWN_ORDER = {name: position for position, name in enumerate(KNOWN_LEVELS)}


def in_order_of_rank(reports_to: Mapping[str, str | None]) -> list[str]:
    """Order the roles of a catalogue, the most senior first.

    The known nine keep the order of `KNOWN_LEVELS` whatever the catalogue says; any other role comes by its depth, one
    below whom it reports to, after the known roles of that depth; ties stay in the order of the file.

    Args:
        reports_to: {role: superior, or None at the top}, in the order of the file, without cycles.
    """
    place = {name: position for position, name in enumerate(reports_to)}

    def key(name: str) -> tuple[int, int, int]:
        return _level(name, reports_to), _KNOWN_ORDER.get(name, len(_KNOWN_ORDER)), place[name]

    return sorted(reports_to, key=key)


def _level(name: str, reports_to: Mapping[str, str | None]) -> int:
    below = 0
    current: str | None = name
    while current is not None and current not in KNOWN_LEVELS:
        current = reports_to[current]
        below += 1
    # Counted from the nearest known superior, so that nobody ranks above the one they report to.
    return below - 1 if current is None else KNOWN_LEVELS[current] + below
