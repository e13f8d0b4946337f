"""What lessons say about the reading of texts: each session's lessons as one example.

Owns which lesson teaches what. The type that somebody gave as right teaches the type; roles that were missed or taken
in teach that they are called for, roles that were needless, dismissed or not heard that they are not. A rating and a
comment alone teach nothing: they do not say what would have been right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from delegator.words import TaskType

MAX_LESSONS = 5_000
"""So many of the newest lessons are learned from: work and memory have a bound, and what was long ago fades."""

PLAIN = 1.0
"""Weight of what people said or did by hand."""

HINT = 0.3
"""Weight of what only points that way: a role that was not heard, or was dismissed when the team had worked already."""


class Lesson(Protocol):
    """A lesson as this file needs it; `delegator/store/lessons.py` says what its JSON holds."""

    @property
    def kind(self) -> str: ...
    @property
    def session_id(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def lesson(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Example:
    """What one session has shown about one text.

    Attributes:
        task_type: the right one; None where nobody said.
        wanted: {role that is called for: how surely, above 0 to 1}.
        unwanted: {role that is not called for: how surely}.
    """

    text: str
    task_type: TaskType | None = None
    wanted: Mapping[str, float] = field(default_factory=dict)
    unwanted: Mapping[str, float] = field(default_factory=dict)


def examples_of(lessons: Iterable[Lesson]) -> list[Example]:
    """Return one example for each session and text that has something to teach, in the order in which they began.

    Of several things said about one role or type in one session the last counts: who takes a role in and dismisses it
    again has changed his mind. A hint never stands against what somebody said.
    """
    drafts: dict[tuple[str, str], _Draft] = {}
    for lesson in list(lessons)[-MAX_LESSONS:]:
        drafts.setdefault((lesson.session_id, lesson.text), _Draft()).take(lesson.kind, lesson.lesson)
    return [draft.example(text) for (_, text), draft in drafts.items() if draft.teaches]


class _Draft:
    """What was said about one text so far."""

    def __init__(self) -> None:
        self._type: TaskType | None = None
        self._roles: dict[str, float] = {}
        """{role: weight, below 0 where it is not called for}"""

    @property
    def teaches(self) -> bool:
        return self._type is not None or bool(self._roles)

    def take(self, kind: str, told: Mapping[str, Any]) -> None:
        if kind == "feedback":
            right = told.get("right_type")
            self._type = TaskType(right) if right in set(TaskType) else self._type
            self._say(told.get("missing_roles") or (), PLAIN)
            self._say(told.get("needless_roles") or (), -PLAIN)
        elif kind == "role_added":
            self._say([told["role"]], PLAIN)
        elif kind == "role_removed":
            self._say([told["role"]], -HINT if told.get("had_worked") else -PLAIN)
        elif kind == "role_unheard":
            self._say([told["role"]], -HINT)

    def _say(self, roles: Iterable[str], weight: float) -> None:
        for role in roles:
            if abs(weight) >= PLAIN or abs(self._roles.get(role, 0.0)) < PLAIN:
                self._roles[role] = weight

    def example(self, text: str) -> Example:
        wanted = {role: weight for role, weight in self._roles.items() if weight > 0}
        unwanted = {role: -weight for role, weight in self._roles.items() if weight < 0}
        return Example(text, self._type, wanted, unwanted)
