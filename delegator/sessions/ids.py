"""Ids of sessions, tasks and plans: when, in UTC to the second, and some digits of chance.

Owns the form alone. Two ids of one second can be the same, once in 100,000: the store's unique constraint notices, and
the caller asks for another. Ids of plans have ten digits, so that this does not happen: nobody would notice.
"""

from __future__ import annotations

from datetime import UTC, datetime

ENTROPY_RANGE = 100_000
"""How many ids a second has room for; `secrets.randbelow(ENTROPY_RANGE)` makes the entropy."""


PLAN_ENTROPY_RANGE = 10**10
"""The same for plans."""


def new_session_id(now: datetime, entropy: int) -> str:
    """Return an id like session_20251112_143022_84329. `now` is aware; of `entropy` the last five digits count."""
    return _new_id("session", now, entropy)


def new_task_id(now: datetime, entropy: int) -> str:
    """Return an id like task_20251112_143022_84329. `now` is aware; of `entropy` the last five digits count."""
    return _new_id("task", now, entropy)


def new_plan_id(now: datetime, entropy: int) -> str:
    """Return an id like plan_20251112_143022_0084329517. `now` is aware; of `entropy` the last ten digits count."""
    high, low = divmod(entropy % PLAN_ENTROPY_RANGE, ENTROPY_RANGE)
    return f"{_new_id('plan', now, high)}{low:05d}"


def _new_id(kind: str, now: datetime, entropy: int) -> str:
    if now.tzinfo is None:
        raise ValueError("an id needs a time with a zone")
    # %Y writes years before 1000 without zeros on some systems; %m and the others always have two digits
    moment = now.astimezone(UTC)
    return f"{kind}_{moment.year:04d}{moment:%m%d_%H%M%S}_{entropy % ENTROPY_RANGE:05d}"
