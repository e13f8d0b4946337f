"""The monitor's words: roles, savings, times of day, troubles. Pure; sizes and durations are written by `formats`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from delegator.errors import DelegatorError, InvalidInput, NotFound
from serve_app.formats import duration, gigabytes, one_line, role_name

SIMULATED = "simulated"
"""Stands at every figure that comes from simulated models."""

BY_HAND = "by hand"
"""Stands in place of a session where somebody has loaded a model, as `actors/by_hand.py` calls it: there is none."""

_SECOND_OPINION = "aside_"
"""How a name begins under which `actors/second_opinions.py` holds a model: no session either."""

SHOWN_CHARS = 300
"""Characters of a task shown in a list; more would push everything else off the page."""

_LONGEST_ACRONYM = 4


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why the page does not show what was asked for."""

    message: str
    hint: str
    code: str
    passing: bool
    """True when the page itself tries again; False when the person has to ask for something else."""


def trouble(error: DelegatorError) -> Trouble:
    """Return an error of the backend as the page tells it."""
    return Trouble(error.message, error.advice, error.code, passing=not isinstance(error, NotFound))


def refusal(error: InvalidInput) -> Trouble:
    """Return what is wrong with a choice as the page tells it."""
    return Trouble(error.message, error.advice, error.code, passing=False)


def role_label(role: str, title: str | None) -> str:
    """Return a role as a chip names it: CEO where people say so, else its title, else its name made readable."""
    if len(role) <= _LONGEST_ACRONYM or not title:
        return role_name(role)
    return one_line(title)


def initials(label: str) -> str:
    """Return two or three letters that stand for a role: Senior Developer is SD, CEO stays CEO."""
    words = [word for word in label.replace("/", " ").split() if word[0].isupper()]
    return "".join(word[0] for word in words)[:3] if len(words) > 1 else label[:3].upper()


def holder(session_id: str) -> str:
    """Say who it is that stands in place of a session in an event; empty where it is a session."""
    if session_id.startswith(_SECOND_OPINION):
        return "for a second opinion"
    return BY_HAND if session_id == BY_HAND else ""


def words(name: str) -> str:
    """Return an enumerated name as words: quick_fix is quick fix."""
    return name.replace("_", " ")


def excerpt(text: str) -> str:
    """Return a task on one line, cut where a list has no more room."""
    return one_line(text, at_most=SHOWN_CHARS)


def uptime(seconds: float) -> str:
    """Write a running time in whole seconds, so that it does not flicker: 45s, 5m 23s, 2h 4m."""
    return duration(int(seconds))


def clock(at: datetime) -> str:
    """Write the time of day in UTC: 14:23:05."""
    return at.astimezone(UTC).strftime("%H:%M:%S")


def saving(*, used_gb: float, baseline_gb: float, roles: int) -> str:
    """Say how much less (or more) is resident than with every role's model in memory at once."""
    if baseline_gb <= 0:
        return "nothing to compare with"
    if used_gb <= 0:
        return f"nothing resident; all {roles} roles would hold {gigabytes(baseline_gb)}"
    saved = round((1 - used_gb / baseline_gb) * 100)
    than = f"all {roles} roles ({gigabytes(baseline_gb)})"
    if saved == 0:
        return f"as much as {than}"
    return f"{abs(saved)} % {'less' if saved > 0 else 'more'} than {than}"
