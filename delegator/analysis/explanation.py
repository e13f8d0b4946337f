"""Saying why: the reasons of an analysis, and the one sentence that sums them up.

Owns wording only; nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from delegator.analysis.complexity import Assessment
from delegator.analysis.flips import turned_by_use, what_brings_in, what_keeps_out
from delegator.analysis.gate import Gate
from delegator.analysis.needs import NEEDED, Need
from delegator.analysis.team import Team
from delegator.analysis.understanding import Reading
from delegator.analysis.wishes import Wishes
from delegator.task_analysis import Limits, Reason, RoleNeed
from delegator.words import TaskType

_NAMES = {
    TaskType.BUG_FIX: "a bug fix",
    TaskType.FEATURE_DEVELOPMENT: "feature development",
    TaskType.REFACTORING: "a refactoring",
    TaskType.TESTING: "testing",
    TaskType.ARCHITECTURE: "architecture work",
    TaskType.STRATEGIC_PLANNING: "strategic planning",
    TaskType.UI_DESIGN: "interface design",
    TaskType.DEPLOYMENT: "a deployment",
    TaskType.DOCUMENTATION: "documentation",
    TaskType.HR: "a matter of people (hr)",
    TaskType.OPERATIONS: "operations",
    TaskType.GENERAL: "a general task",
}

WORTH_WORDS = 0.05
"""A need below this is nothing that words could explain."""

MAX_WORDS = 8
"""Words shown with a reason: enough to argue with, even where a long text held dozens."""


def reasons_for(
    reading: Reading,
    assessment: Assessment,
    team: Team,
    gate: Gate,
    wishes: Wishes,
    *,
    limits: Limits,
    notes: list[str],
) -> list[Reason]:
    """Return the reasons in the order of the decisions: type, complexity, team, each role, limits."""
    reasons = [_type_reason(reading)]
    reasons += [
        Reason(about="complexity", because=f"{part.because} (+{part.points})", words=list(part.words[:MAX_WORDS]))
        for part in assessment.parts
    ] or [Reason(about="complexity", because="nothing in the text or the context makes it hard")]
    if wishes.category is None:
        reasons.append(Reason(about="team", because=gate.because, words=list(gate.words[:MAX_WORDS])))
    else:
        category, who = wishes.category
        reasons.append(Reason(about="team", because=f"{who} gave the category {category.value}, which fixes the team"))
    reasons += [
        Reason(about=member.role, because=member.because, words=list(member.words[:MAX_WORDS]))
        for member in team.members
    ]
    reasons += [Reason(about="limits", because=note) for note in notes] or [
        Reason(about="limits", because=f"the limits of {limits.complexity.value} admit the team and its models")
    ]
    return reasons


def needs_told(
    names: Sequence[str],
    reading: Reading,
    needs: Mapping[str, Need],
    assessment: Assessment,
    team: Team,
    gate: Gate,
    wishes: Wishes,
) -> list[RoleNeed]:
    """Return every role of the catalogue with its reason and what would flip it, the most needed first."""
    chosen = {member.role: member for member in team.members}
    by_text = wishes.category is None
    left_out = {candidate.role for candidate in team.left_out}
    told: list[RoleNeed] = []
    for role in names:
        needed = needs.get(role)
        need = 0.0 if needed is None else min(1.0, needed.total)
        if (member := chosen.get(role)) is not None:
            because, words = member.because, member.words
            flip = what_keeps_out(role, needed, reading, assessment, wishes)
        else:
            because = _why_not(role, need, role in left_out, gate, wishes)
            if by_text and role not in wishes.exclude and turned_by_use(needed, reading) == "out":
                because = "use has taught that such work does not need it"
            words = reading.words.get(role, ()) if need >= WORTH_WORDS else ()
            flip = what_brings_in(role, needed, reading, assessment, wishes)
        told.append(
            RoleNeed(role=role, chosen=member is not None, need=need, because=because, words=list(words), flip=flip)
        )
    return sorted(told, key=lambda one: (not one.chosen, -one.need))


def question_for(reading: Reading, second: TaskType) -> str:
    """Return the one question that settles which of two readings is meant."""
    return f"Is this {_NAMES[reading.task_type]}, or rather {_NAMES[second]}?"


def _why_not(role: str, need: float, is_left_out: bool, gate: Gate, wishes: Wishes) -> str:
    if role in wishes.exclude:
        return f"{wishes.exclude[role]} keeps it out"
    if is_left_out:
        return "it would join, but the limit on agents leaves no room"
    if wishes.category is not None:
        return f"the given category {wishes.category[0].value} does not have it"
    if need >= NEEDED and gate.single:
        return gate.because
    if need < WORTH_WORDS:
        return "nothing in the text calls for it"
    return f"the text calls for it too little ({need:.2f}; {NEEDED:.2f} would do)"


def summary(reading: Reading, assessment: Assessment, team: Team, wishes: Wishes) -> str:
    """Return one sentence for people: what it is, how hard and why, and who does it."""
    level = assessment.level.value.replace("_", " ")
    hard = ", ".join(part.because for part in assessment.parts if part.indicator != "base")
    named = ", ".join(member.role for member in team.members)
    unsure = " (unsure)" if reading.confidence == "low" else ""
    by = f" by category {wishes.category[0].value}" if wishes.category is not None else ""
    task = _NAMES[reading.task_type]
    return f"{task[0].upper()}{task[1:]}{unsure} of {level} complexity{f': {hard}' if hard else ''}; team{by}: {named}."


def _type_reason(reading: Reading) -> Reason:
    words = reading.words.get(reading.task_type.value, ())
    because = f"the text reads as {_NAMES[reading.task_type]} ({reading.chance:.0%})"
    if reading.second is not None:
        because += f"; next would be {reading.second.value} ({reading.chances[reading.second]:.0%})"
    if reading.turning is not None:
        without = " and ".join(f"'{word}'" for word in reading.turning.words)
        because += f"; without {without} it would be {reading.turning.to.value}"
    if reading.asked:
        because += f"; {reading.asked}"
    return Reason(about="task_type", because=because, words=list(words[:MAX_WORDS]))
