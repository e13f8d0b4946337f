"""What the dispatcher answers: turns to start, one change of what is resident, models to drop, and when to ask again.

Records only; made in `dispatcher.py`, carried out by whoever asked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from delegator.residency.planner import Refuse, Wait


@dataclass(frozen=True, slots=True)
class Change:
    """One change of what is resident: unload `evict`, confirmed, then load `load` for the session.

    Attributes:
        load: model to bring in; None where making room for a session's limit is all.
        release: models the session lets go of although others keep them.
        turn_id: the turn it is for; empty for a prefetch.
        speculative: nobody is ready for it yet.
    """

    evict: tuple[str, ...]
    load: str | None
    session_id: str
    release: tuple[str, ...] = ()
    turn_id: str = ""
    speculative: bool = False


class Foretold(StrEnum):
    """What became of a prefetch: first begun, then one of the others."""

    BEGUN = "begun"
    USED = "used"
    WASTED = "wasted"
    CANCELLED = "cancelled"


@dataclass(slots=True)
class Decision:
    """What to do now.

    Attributes:
        grants: ids of turns that start; their slots are taken already.
        held: (model, session) where a session begins to hold; noted in the ledger already.
        released: (model, session) where one lets go; noted already.
        refused: turns that can never be served, with what bounds them; None where only spare memory was wanted, and
            what is in the way where a wish made by hand does not wait for it.
        change: to be carried out, then reported by `change_done`.
        drops: idle models to unload now, beside any change; marked as leaving already.
        cancel: the speculative load under way is to be broken off; told until it has ended.
        foretold: how prefetches begun, met their turn or did not, with model and session.
        wake_at: moment at which to decide again at the latest; None when only events can change anything.
    """

    grants: list[str] = field(default_factory=list)
    held: list[tuple[str, str]] = field(default_factory=list)
    released: list[tuple[str, str]] = field(default_factory=list)
    refused: list[tuple[str, Refuse | Wait | None]] = field(default_factory=list)
    change: Change | None = None
    drops: list[str] = field(default_factory=list)
    cancel: bool = False
    foretold: list[tuple[Foretold, str, str]] = field(default_factory=list)
    wake_at: float | None = None
