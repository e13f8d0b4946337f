"""What lessons teach: the last word of people counts, hints weigh little, and some say nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from delegator.analysis.examples import HINT, MAX_LESSONS, PLAIN, Example, examples_of
from delegator.words import TaskType


@dataclass
class Lesson:
    kind: str
    lesson: dict[str, Any] = field(default_factory=dict)
    session_id: str = "s1"
    text: str = "Do it"


def added(role: str) -> Lesson:
    return Lesson("role_added", {"role": role})


def removed(role: str, *, had_worked: bool = False) -> Lesson:
    return Lesson("role_removed", {"role": role, "had_worked": had_worked})


def unheard(role: str) -> Lesson:
    return Lesson("role_unheard", {"role": role, "share": 0.0})


def feedback(**said: Any) -> Lesson:
    return Lesson("feedback", {"right_type": None, "missing_roles": [], "needless_roles": [], "rating": None, **said})


@pytest.mark.parametrize(
    ("lessons", "example"),
    [
        ([feedback(right_type="hr")], Example("Do it", TaskType.HR)),
        ([feedback(right_type="hr"), feedback(right_type="testing")], Example("Do it", TaskType.TESTING)),
        ([feedback(right_type="hr"), feedback(rating=5)], Example("Do it", TaskType.HR)),
        ([feedback(missing_roles=["cto", "ceo"])], Example("Do it", None, {"cto": PLAIN, "ceo": PLAIN})),
        ([feedback(needless_roles=["cto"])], Example("Do it", None, {}, {"cto": PLAIN})),
        ([added("cto")], Example("Do it", None, {"cto": PLAIN})),
        ([removed("cto")], Example("Do it", None, {}, {"cto": PLAIN})),
        ([removed("cto", had_worked=True)], Example("Do it", None, {}, {"cto": HINT})),
        ([unheard("cto")], Example("Do it", None, {}, {"cto": HINT})),
        ([added("cto"), removed("cto")], Example("Do it", None, {}, {"cto": PLAIN})),
        ([removed("cto"), added("cto")], Example("Do it", None, {"cto": PLAIN})),
        ([added("cto"), unheard("cto")], Example("Do it", None, {"cto": PLAIN})),
        ([unheard("cto"), added("cto")], Example("Do it", None, {"cto": PLAIN})),
    ],
)
def test_one_session_teaches_what_was_said_last_and_plainly(lessons: list[Lesson], example: Example) -> None:
    assert examples_of(lessons) == [example]


def test_a_rating_and_a_comment_alone_teach_nothing() -> None:
    assert examples_of([feedback(rating=1, comment="bad")]) == []


def test_each_session_and_each_text_of_it_is_an_example_of_its_own() -> None:
    lessons = [
        Lesson("role_added", {"role": "cto"}, session_id="s1"),
        Lesson("role_added", {"role": "cto"}, session_id="s2"),
        Lesson("role_unheard", {"role": "ceo"}, session_id="s1", text="Another task"),
    ]

    assert [(example.text, dict(example.wanted)) for example in examples_of(lessons)] == [
        ("Do it", {"cto": PLAIN}),
        ("Do it", {"cto": PLAIN}),
        ("Another task", {}),
    ]


def test_only_the_newest_lessons_count() -> None:
    old = Lesson("role_added", {"role": "cto"}, session_id="old")
    newer = [Lesson("role_added", {"role": "ceo"}, session_id=f"s{number}") for number in range(MAX_LESSONS)]

    assert all("cto" not in example.wanted for example in examples_of([old, *newer]))
    assert "cto" in examples_of([old, *newer[1:]])[0].wanted
