"""What differs between two views, so that an open page is sent only that. Pure: no NiceGUI.

A view with a hundred sessions takes some 80 kB as JSON, and hardly any of it differs from one second to the next. What
is sent is one of these, the one within the other; `window.delegatorChanged` in `web.py` puts them in place:

    {"new": value}              this instead of what was there
    {"parts": {name: change}}   an object of which these parts differ; of a list, the parts are numbers, after `rows`
    {"rows": [...]}             a list whose rows are others: [first, count] are rows that were there, {"new": row}
                                is one that was not
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

KEPT = 8
"""Pairs of views whose difference is remembered: pages that follow at one pace all ask for the same one."""


@dataclass(frozen=True, slots=True)
class Change:
    """What differs; a dataclass, since NiceGUI would go through a dict level by level for every page."""

    change: Mapping[str, Any]
    """Empty where nothing does."""


class Changes:
    """Finds what differs between two views, once for all pages that go from the one to the other."""

    def __init__(self) -> None:
        self._known: deque[tuple[object, object, Change]] = deque(maxlen=KEPT)

    def between(self, before: object, after: object) -> Change:
        """Return what `after` has that `before` had not. Both are frozen and are recognised by being the same."""
        for known_before, known_after, change in self._known:
            if known_before is before and known_after is after:
                return change
        change = Change(difference(before, after) or {})
        self._known.append((before, after, change))
        return change


def difference(before: object, after: object) -> dict[str, Any] | None:
    """Return what makes `after` of `before`, as this file's head tells; None where they are equal."""
    if type(before) is not type(after):
        return {"new": after}
    if before == after:
        return None
    if isinstance(after, tuple | list):
        assert isinstance(before, tuple | list)  # noqa: S101 - for the type checker
        return _of_rows(before, after)
    if is_dataclass(after):
        names = [field.name for field in fields(after)]
        return _of_parts({name: (getattr(before, name), getattr(after, name)) for name in names})
    if isinstance(after, dict) and isinstance(before, dict) and before.keys() == after.keys():
        return _of_parts({name: (before[name], after[name]) for name in after})
    return {"new": after}


def _of_parts(pairs: Mapping[Any, tuple[object, object]]) -> dict[str, Any]:
    parts = {str(name): found for name, pair in pairs.items() if (found := difference(*pair)) is not None}
    return {"parts": parts}


def _of_rows(before: Sequence[object], after: Sequence[object]) -> dict[str, Any]:
    keys_before, keys_after = [_key(row) for row in before], [_key(row) for row in after]
    if keys_before == keys_after:
        return _of_parts(dict(enumerate(zip(before, after, strict=True))))
    places = {key: place for place, key in enumerate(keys_before)}
    if len(places) < len(before) or len(set(keys_after)) < len(after):  # no telling which is which
        return {"new": after}
    rows = [places.get(key) for key in keys_after]
    pairs = {number: (before[place], after[number]) for number, place in enumerate(rows) if place is not None}
    return {"rows": _pieces(rows, after)} | (_of_parts(pairs) if pairs else {})


def _pieces(rows: Sequence[int | None], after: Sequence[object]) -> list[Any]:
    """Write rows that stood behind each other as one piece."""
    pieces: list[Any] = []
    for number, place in enumerate(rows):
        last = pieces[-1] if pieces else None
        if place is None:
            pieces.append({"new": after[number]})
        elif isinstance(last, list) and last[0] + last[1] == place:
            last[1] += 1
        else:
            pieces.append([place, 1])
    return pieces


def _key(row: object) -> str | int | None:
    """Return what a row is recognised by: the first field of an object, a text or number itself; None: by its place."""
    known = getattr(row, fields(row)[0].name) if is_dataclass(row) else row
    return known if isinstance(known, str | int) else None
