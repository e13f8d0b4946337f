"""What would change a decision about a role: the fewest words, points or settings that would turn it.

Owns the counterfactuals. Each is worked out from the same sums and tables that decided, never guessed: what is said
here happens when it is tried. The words of a reply are `explanation.py`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Literal

from delegator.analysis.complexity import BASE_POINTS, LEVELS, Assessment
from delegator.analysis.needs import NEEDED, OWN_SHARE, Need, need_for
from delegator.analysis.tables.teams import ALL, DOMAIN_ROWS, TEAMS, DomainRow
from delegator.analysis.understanding import Reading, Without
from delegator.analysis.wishes import Wishes
from delegator.words import Complexity, TaskType

_LEAST_POINTS = {level: least for least, level in LEVELS}


def what_keeps_out(role: str, need: Need | None, reading: Reading, assessment: Assessment, wishes: Wishes) -> str:
    """Return one sentence: what would keep a chosen role out; without a `need` nothing in the text calls for it."""
    for kind, wanted in (("pin_roles", wishes.pin), ("include_roles", wishes.include)):
        if role in wanted:
            return f"It stays out if it is taken from {kind} ({wanted[role]})."
    if wishes.category is not None:
        return "Without the given category the text would decide."
    if words := _words_that_bring(role, need, reading, assessment):
        return f"Without {_listed(words)} it would stay out."
    if turned_by_use(need, reading) == "in":
        return "Without what use has taught it would stay out."
    for level in ALL[: ALL.index(assessment.level)][::-1]:
        if _LEAST_POINTS[level] >= BASE_POINTS.get(reading.task_type, 0) and role not in _row(reading.task_type, level):
            return f"At {_said(level)} complexity it would stay out: {_fewer_points(assessment, level)}."
    if reading.turning is not None and role not in _row(reading.turning.to, assessment.level):
        return f"Without {_listed(reading.turning.words)} the text would read as {reading.turning.to.value}."
    return "exclude_roles keeps it out; no few words of the text would."


def what_brings_in(role: str, need: Need | None, reading: Reading, assessment: Assessment, wishes: Wishes) -> str:
    """Return one sentence: what would bring in a role that was not chosen."""
    if role in wishes.exclude:
        return f"It may join once it is taken from exclude_roles ({wishes.exclude[role]})."
    if wishes.category is not None:
        return "include_roles brings it in; the given category fixes the rest."
    if turned_by_use(need, reading) == "out":
        return "Without what use has taught it would join."
    read = reading.task_type
    level = _next_level_with(role, read, assessment.level)
    if level is not None:
        return _at_higher_level(level, _LEAST_POINTS[level] - assessment.points, "deadline" in assessment.indicators)
    for row in _domain_rows(role, read):
        if row.indicator not in assessment.indicators:
            return f"With {row.indicator.replace('_', ' ')} at stake it would join: {row.why}."
    usual_for = _types_with(role, assessment.level)
    for task_type, chance in reading.chances.items():
        if task_type in usual_for and task_type is not read:
            return f"It would join if the text read as {task_type.value} (now {chance:.0%})."
    return "include_roles brings it in."


def _words_that_bring(role: str, need: Need | None, reading: Reading, assessment: Assessment) -> Sequence[str]:
    """Return the words without which a role would stay out; none where no few words decide."""
    if need is None or not need.is_needed:
        # It has joined for what is at stake: an addition to the usual team.
        at_stake = {row.indicator for row in _domain_rows(role, reading.task_type)}
        return [word for part in assessment.parts if part.indicator in at_stake for word in part.words]
    if reading.turning is None and (1 - OWN_SHARE) * need.usual >= NEEDED:
        return ()  # the usual team has it, and no few words turn the type
    without = reading.without.get(role)
    if without is None or _would_stay(role, without, assessment):
        return ()
    if without.exactly is not None and _would_stay(role, without.exactly(), assessment):
        return ()
    return (without.word,)


def _would_stay(role: str, without: Without, assessment: Assessment) -> bool:
    return need_for(role, without.chances, without.own, assessment, without.taught).is_needed


def turned_by_use(need: Need | None, reading: Reading) -> Literal["in", "out"] | None:
    """Return whether a role is needed, or not needed, only because use has taught so; None: it makes no difference."""
    if need is None or need.role not in reading.taught or need.is_needed == (need.untaught >= NEEDED):
        return None
    return "in" if need.is_needed else "out"


@cache
def _next_level_with(role: str, task_type: TaskType, level: Complexity) -> Complexity | None:
    higher = ALL[ALL.index(level) + 1 :]
    return next((above for above in higher if role in _row(task_type, above)), None)


@cache
def _domain_rows(role: str, task_type: TaskType) -> tuple[DomainRow, ...]:
    return tuple(row for row in DOMAIN_ROWS if row.role == role and task_type in row.types)


@cache
def _types_with(role: str, level: Complexity) -> frozenset[TaskType]:
    return frozenset(task_type for task_type in TaskType if role in _row(task_type, level))


def _row(task_type: TaskType, level: Complexity) -> Sequence[str]:
    return TEAMS[task_type, level].roles


def _fewer_points(assessment: Assessment, level: Complexity) -> str:
    most = _LEAST_POINTS[ALL[ALL.index(level) + 1]] - 1
    parts = [part.indicator.replace("_", " ") for part in assessment.parts if part.indicator != "base"]
    drop = assessment.points - most
    return f"{_points(drop)} fewer" + (f" (counted: {', '.join(parts)})" if parts else "")


@cache
def _at_higher_level(level: Complexity, more: int, has_deadline: bool) -> str:
    such_as = "" if has_deadline else ", such as a deadline"
    return f"At {_said(level)} complexity it would join: {_points(more)} more{such_as}."


def _points(count: int) -> str:
    return f"{count} point" if count == 1 else f"{count} points"


def _said(level: Complexity) -> str:
    return level.value.replace("_", " ")


def _listed(words: Sequence[str]) -> str:
    return " and ".join(f"'{word}'" for word in words)
