"""Making text and JSON fit PostgreSQL, which stores neither NUL, nor half a surrogate pair, nor NaN.

What callers send is checked at the border (`delegator/schemas.py`); what a model writes is not, and a reply must never
be lost because of one character in it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable_text(text: str) -> str:
    """Return `text` with each character that cannot be stored replaced by U+FFFD."""
    return _UNSTORABLE.sub("\ufffd", text)


def storable(value: Any) -> Any:
    """Return a JSON-ready copy of `value`: texts as `storable_text`, NaN and infinities as None, tuples as lists.

    Moments become RFC 3339, enums their values, anything else JSON does not know its text.
    """
    if isinstance(value, Enum):
        return storable(value.value)
    if isinstance(value, str):
        return storable_text(value)
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {storable_text(str(key)): storable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [storable(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return storable_text(str(value)) if not isinstance(value, UUID) else str(value)


def to_json(value: Any) -> str:
    """Return `value` as JSON that PostgreSQL takes."""
    return json.dumps(storable(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
