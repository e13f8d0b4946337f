"""What an event tells beside its kind, as a person reads it: sizes in GB, times as durations, no digests. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from serve_app.formats import duration, gigabytes, one_line
from serve_app.monitor.wording import words

VALUE_CHARS = 160
"""Characters of one fact."""

DATA_CHARS = 240
"""Characters of all facts of an event; what is left over then is not told."""

_NOTHING: tuple[object, ...] = (None, "", [], {})
_DIGEST = re.compile(r"(sha256:)?[0-9a-f]{32,}")
_NUMBER = (int, float)


def facts_of(data: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """Return (name, value) of each fact worth telling: ("", "8.8 GB"), ("waited", "3.2s"), ("", "measured")."""
    told: list[tuple[str, str]] = []
    room = DATA_CHARS
    for key, value in data.items():
        if any(value is nothing or value == nothing for nothing in _NOTHING) or _is_digest(value):
            continue
        name, said = _fact(key, value)
        fact = one_line(name), one_line(said, at_most=VALUE_CHARS)
        room -= len(fact[0]) + len(fact[1])
        if told and room < 0:
            break
        told.append(fact)
    return tuple(told)


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None


def _fact(key: str, value: object) -> tuple[str, str]:
    if isinstance(value, bool):
        said = words(key)
        return "", said if value else f"was not {said[4:]}" if said.startswith("was ") else f"not {said}"
    if isinstance(value, _NUMBER):
        if key.startswith("seconds_"):
            return words(key.removeprefix("seconds_")), duration(value)
        for ending, write in _UNITS:
            if key == ending or key.endswith("_" + ending):
                return words(key.removesuffix(ending).rstrip("_")), write(value)
    return words(key), _value(value)


def _size(value: float) -> str:
    return gigabytes(value / 1e9)


_UNITS = (("bytes", _size), ("gb", gigabytes), ("seconds", duration), ("s", duration))
"""(how the name of a fact ends, how its figure is written); the ending is not told again."""


def _value(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ", ".join(_value(each) for each in value)
    if isinstance(value, Mapping):
        told = next((value[name] for name in ("why", "because", "reason") if value.get(name)), None)
        return told if isinstance(told, str) else json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, float):
        return f"{value:.6g}"
    return json.dumps(value, ensure_ascii=False, default=str)
