"""Saying why: the reasons of an analysis, and the one sentence that sums them up.

Owns wording only; nothing is decided here.
"""

from __future__ import annotations

from delegator.analysis.complexity import Assessment
from delegator.analysis.team import Team
from delegator.analysis.understanding import Reading
from delegator.schemas import Limits, Reason, TaskCategory, TaskType

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

MAX_WORDS = 8
"""Words shown with a reason: enough to argue with, even where a long text held dozens."""


def reasons_for(
    reading: Reading,
    assessment: Assessment,
    team: Team,
    *,
    given: TaskCategory | None,
    limits: Limits,
    notes: list[str],
) -> list[Reason]:
    """Return the reasons in the order of the decisions: type, complexity, team, each role, limits."""
    reasons = [_type_reason(reading)]
    reasons += [
        Reason(about="complexity", because=f"{part.because} (+{part.points})", words=list(part.words[:MAX_WORDS]))
        for part in assessment.parts
    ] or [Reason(about="complexity", because="nothing in the text or the context makes it hard")]
    if given is not None:
        reasons.append(
            Reason(about="team", because=f"the caller gave the category {given.value}, which fixes the team")
        )
    reasons += [
        Reason(about=member.role, because=member.because, words=list(member.words[:MAX_WORDS]))
        for member in team.members
    ]
    reasons += [Reason(about="limits", because=note) for note in notes] or [
        Reason(about="limits", because=f"the limits of {limits.complexity.value} admit the team and its models")
    ]
    return reasons


def summary(reading: Reading, assessment: Assessment, team: Team, *, given: TaskCategory | None) -> str:
    """Return one sentence for people: what it is, how hard and why, and who does it."""
    level = assessment.level.value.replace("_", " ")
    hard = ", ".join(part.because for part in assessment.parts if part.indicator != "base")
    named = ", ".join(member.role for member in team.members)
    unsure = " (unsure)" if reading.confidence == "low" else ""
    by = f" by category {given.value}" if given is not None else ""
    task = _NAMES[reading.task_type]
    return f"{task[0].upper()}{task[1:]}{unsure} of {level} complexity{f': {hard}' if hard else ''}; team{by}: {named}."


def _type_reason(reading: Reading) -> Reason:
    words = reading.words.get(reading.task_type.value, ())
    rivals = sorted(
        ((score, name) for name, score in reading.scores.items() if name is not reading.task_type), reverse=True
    )
    because = f"the text reads as {_NAMES[reading.task_type]}" if words else "no word of the text names a kind of work"
    if rivals and words:
        because += f"; next would be {rivals[0][1].value}"
    return Reason(about="task_type", because=because, words=list(words[:MAX_WORDS]))
