"""The monitor's words: roles, savings, moments, troubles. Pure functions; sizes and durations are written by `formats`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from delegator.errors import DelegatorError
from serve_app.cli.formats import duration, one_line, role_name

SIMULATED = "simulated"
"""Stands at every figure that comes from simulated models."""

SHOWN_CHARS = 300
"""Characters of a task shown in a list; more would push everything else off the page."""

_LONGEST_ACRONYM = 4


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why the page cannot show what is now."""

    message: str
    hint: str
    code: str


def trouble(error: DelegatorError) -> Trouble:
    """Return an error as the page tells it."""
    return Trouble(error.message, error.advice, error.code)


def role_label(role: str, title: str | None) -> str:
    """Return a role as a chip names it: CEO where people say so, else its title; without one, its name made readable."""
    if len(role) <= _LONGEST_ACRONYM or not title:
        return role_name(role)
    return one_line(title)


def initials(label: str) -> str:
    """Return two or three letters that stand for a role: Senior Developer is SD, CEO stays CEO."""
    words = [word for word in label.replace("/", " ").split() if word[0].isupper()]
    return "".join(word[0] for word in words)[:3] if len(words) > 1 else label[:3].upper()


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


def moment(at: datetime) -> str:
    """Write day and time in UTC: 2026-01-02 14:23:05."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def saving(*, used_gb: float, baseline_gb: float, roles: int) -> str:
    """Say how much less (or more) is resident than with every role's model in memory at once."""
    everyone = f"all {roles} roles ({baseline_gb:.1f} GB)"
    if used_gb <= 0 or baseline_gb <= 0:
        return f"nothing resident; {everyone} otherwise"
    saved = round((1 - used_gb / baseline_gb) * 100)
    if saved == 0:
        return f"as much as {everyone}"
    return f"{abs(saved)} % {'less' if saved > 0 else 'more'} than {everyone}"
