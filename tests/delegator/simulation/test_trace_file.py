"""A trace somebody wrote: what its lines mean, and what is said of lines that are wrong."""

from __future__ import annotations

import pytest

from delegator.errors import InvalidInput
from delegator.roles import load_catalogue
from delegator.settings import GB, ComplexityLimits
from delegator.simulation.trace import TracedSession
from delegator.simulation.trace_file import TraceReader

READER = TraceReader(load_catalogue("echo"), ComplexityLimits())


def read(*lines: str) -> tuple[TracedSession, ...]:
    return READER.read(lines, name="mine.jsonl")


def test_a_team_with_everything_said() -> None:
    line = (
        '{"at_s": 60, "team": ["senior_developer", "cto"], "complexity": "high", "tasks": [5, 240], '
        '"close_after_s": 600, "reading_s": 2, "writing_s": 7.5}'
    )

    assert read(line) == (TracedSession(60.0, ("cto", "senior_developer"), (5.0, 240.0), 600.0, 2.0, 7.5, 40 * GB),)


def test_what_is_not_said_is_as_in_the_office() -> None:
    assert read('{"at_s": 0, "team": ["ceo"], "tasks": 3, "think_s": 100}') == (
        TracedSession(0.0, ("ceo",), (5.0, 100.0, 100.0)),
    )
    assert read('{"at_s": 0, "team": ["ceo"], "tasks": 2}')[0].thinks_s == (5.0, 180.0)


def test_the_analysis_picks_team_and_limit_of_a_task() -> None:
    feature, quick = read(
        '{"at_s": 0, "task": "Add user authentication feature"}',
        '{"at_s": 1, "task": "Add user authentication feature", "category": "quick_fix"}',
    )

    assert feature.team == ("product_manager", "senior_architect", "senior_developer", "test_lead")
    assert quick.team == ("senior_developer",)
    assert feature.limit_bytes is not None
    assert feature.limit_bytes >= 25 * GB


def test_sessions_come_in_the_order_of_their_creation_and_comments_are_left_out() -> None:
    sessions = read("# Monday", "", '{"at_s": 9, "team": ["ceo"]}', '{"at_s": 3, "team": ["cto"]}')

    assert [session.at_s for session in sessions] == [3.0, 9.0]


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("{", "mine.jsonl, line 2: is not JSON", "Write for example"),
        ("[1]", "mine.jsonl, line 2: is not a JSON object", "Write for example"),
        ('{"team": ["ceo"]}', "mine.jsonl, line 2, at_s: is missing", "When the session is created"),
        ('{"at_s": -1, "team": ["ceo"]}', "mine.jsonl, line 2, at_s: must be at least 0", ""),
        ('{"at_s": NaN, "team": ["ceo"]}', "mine.jsonl, line 2, at_s", ""),
        ('{"at_s": 0}', "mine.jsonl, line 2: needs either task or team", "Write for example"),
        ('{"at_s": 0, "task": "x", "team": ["ceo"]}', "line 2: needs either task or team", ""),
        ('{"at_s": 0, "team": ["ceo"], "category": "hr"}', "takes category and context only with task", ""),
        ('{"at_s": 0, "task": "Fix it", "complexity": "low"}', "takes complexity only with team", ""),
        (
            '{"at_s": 0, "team": ["ceoo"]}',
            "line 2, team: names a role that the catalogue does not have",
            "Did you mean ceo?",
        ),
        ('{"at_s": 0, "team": []}', "mine.jsonl, line 2, team", ""),
        ('{"at_s": 0, "team": ["ceo"], "task_count": 3}', "line 2: has a key that is not known: 'task_count'", "keys"),
        ('{"at_s": 0, "team": ["ceo"], "thinks_s": 3}', "line 2: has a key that is not known", "Did you mean think_s?"),
        (
            '{"at_s": 0, "team": ["ceo"], "tasks": 0}',
            "tasks: is neither a number of tasks nor a list",
            "How many tasks",
        ),
        ('{"at_s": 0, "team": ["ceo"], "tasks": [5, -1]}', "tasks: is neither a number of tasks nor a list", ""),
        ('{"at_s": 0, "team": ["ceo"], "tasks": 1000000}', "tasks: is neither a number of tasks nor a list", ""),
        ('{"at_s": 0, "team": ["ceo"], "writing_s": true}', "line 2, writing_s: must be a number", ""),
    ],
)
def test_a_wrong_line_is_told_by_its_number(line: str, message: str, hint: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read('{"at_s": 0, "team": ["ceo"]}', line)

    assert message in caught.value.message
    assert hint in caught.value.advice


@pytest.mark.parametrize("lines", [(), ("", "# nothing yet")])
def test_a_trace_without_a_session_is_refused(lines: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput, match="has no session"):
        read(*lines)
