"""Turns of one endpoint as they are asked, while they wait, and while they run.

Records only; what becomes of them is decided in `dispatcher.py`. Moments and durations are model seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

from delegator.residency.demand import Outlook


@dataclass(frozen=True, slots=True)
class Later:
    """A turn that its task will take later on this endpoint. `turns_ahead`: 1 is the next one."""

    model: str
    turns_ahead: int


@dataclass(frozen=True, slots=True)
class TurnRequest:
    """A turn that is ready and wants its model.

    Attributes:
        turn_id: unique.
        task_id: the task it is of; empty for a session that merely warms up.
        limit_bytes: most the session may hold at one time.
        needs_slot: False for a wish that the model be resident, no more.
        spare_only: only if nothing has to leave or be waited for.
        by_hand_s: somebody asked for the model by hand, and keeps it for that many seconds if no session takes it. It
            goes after every turn, presses nobody, and waits for no room that others need; 0: a turn's wish.
        later: what the task will need after it.
        continues: the task goes on after it, here or elsewhere.
        outlook: what its session needs here, as its team is now; None where nothing is known of that.
    """

    turn_id: str
    session_id: str
    model: str
    limit_bytes: int
    task_id: str = ""
    needs_slot: bool = True
    spare_only: bool = False
    by_hand_s: float = 0.0
    later: tuple[Later, ...] = ()
    continues: bool = False
    outlook: Outlook | None = None

    @property
    def by_hand(self) -> bool:
        """Return whether no turn wants the model, but somebody by hand."""
        return self.by_hand_s > 0

    @property
    def next_model(self) -> str | None:
        """Return the model of the task's very next turn; None where that is not on this endpoint."""
        return next((later.model for later in self.later if later.turns_ahead == 1), None)


@dataclass(slots=True)
class Waiting:
    """A turn that waits.

    Attributes:
        since: moment it was announced.
        blocked_by: models it was last found to wait for; while it presses, all that it was found to wait for since.
        pressed: it pressed when that was found.
    """

    request: TurnRequest
    since: float
    blocked_by: tuple[str, ...] = ()
    pressed: bool = False

    def note_blocked(self, by: tuple[str, ...], *, pressing: bool) -> None:
        """Note what it waits for.

        While it presses nothing is taken back: of two models that must both leave, the one that falls idle first would
        otherwise take new work while the other finishes, and so in turn for ever.
        """
        self.blocked_by = tuple(dict.fromkeys((*self.blocked_by, *by))) if pressing and self.pressed else by
        self.pressed = pressing

    def note_free(self) -> None:
        """Note that no other model is in its way."""
        self.blocked_by, self.pressed = (), False


@dataclass(slots=True)
class Running:
    """A turn that holds a slot, or has held one until `ended_at`."""

    request: TurnRequest
    granted_at: float
    first_token_at: float | None = None
    ended_at: float | None = None
