"""Reads `keep_alive` as Ollama does, the refusals included (item 7)."""

from __future__ import annotations

import math
import re
from typing import Any

FOREVER = math.inf

_UNITS_S = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)")
_WHOLE = re.compile(rf"[-+]?(?:{_PART.pattern})+")


class DurationInvalid(ValueError):
    """A `keep_alive` that Ollama refuses with 400; its text is Ollama's."""


def read_keep_alive(value: Any) -> float | None:
    """Return seconds; `FOREVER` for any negative, None where the field is absent.

    A number means seconds. Text is a duration with units (`10m`, `1h30m`); only zero may lack one.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise DurationInvalid(f"Unsupported type: '{type(value).__name__}'")
    seconds = float(value) if isinstance(value, (int, float)) else _read_text(value)
    return FOREVER if seconds < 0 else seconds


def _read_text(text: str) -> float:
    if text.lstrip("+-") == "0":
        return 0.0
    if not _WHOLE.fullmatch(text):
        problem = "missing unit in duration" if re.fullmatch(r"[-+]?[\d.]+", text) else "invalid duration"
        raise DurationInvalid(f'time: {problem} "{text}"')
    seconds = sum(float(number) * _UNITS_S[unit] for number, unit in _PART.findall(text))
    return -seconds if text.startswith("-") else seconds
