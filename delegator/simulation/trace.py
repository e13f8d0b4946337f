"""What is asked of a simulated machine, in roles: sessions of teams, before it is known with which models they speak.

`office.py` makes such a trace, `trace_file.py` reads one, `casting.py` gives its roles their models.
"""

from __future__ import annotations

from dataclasses import dataclass

HEAD_START_S = 5.0
"""From the creation of a session to its first task, where nothing else is said."""

READING_S, WRITING_S = 1500 / 500, 300 / 20
"""A turn reads 1,500 tokens at 500 a second and writes 300 at 20, where nothing else is said."""


@dataclass(frozen=True, slots=True)
class TracedSession:
    """One session.

    Attributes:
        at_s: when it is created.
        team: its roles, the most senior first: in this order they speak, and the first one concludes.
        thinks_s: seconds somebody thinks before each task; the first ones from the session's creation.
        close_lag_s: from its last answer to its end.
        reading_s, writing_s: of every turn.
        limit_bytes: most its models may take at one time; None: as much as the machine has.
    """

    at_s: float
    team: tuple[str, ...]
    thinks_s: tuple[float, ...]
    close_lag_s: float = 0.0
    reading_s: float = READING_S
    writing_s: float = WRITING_S
    limit_bytes: int | None = None

    @property
    def speakers(self) -> tuple[str, ...]:
        """Return who speaks in each turn of a task: the team in turn, then its first role, which concludes."""
        return (*self.team, self.team[0]) if len(self.team) > 1 else self.team


@dataclass(frozen=True, slots=True)
class Trace:
    """Sessions, and what should be known about how they were read."""

    sessions: tuple[TracedSession, ...]
    notes: tuple[str, ...] = ()
