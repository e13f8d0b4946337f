"""Every error of the tree has an exit code, by its group."""

from __future__ import annotations

import pytest

from delegator import errors
from serve_app.cli import exits


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.InvalidInput("text", "is empty", ""), 2),
        (errors.UnknownRole("cfo", ("ceo",)), 2),
        (errors.SettingsInvalid("port", "x", "is no number", ""), 2),
        (errors.SessionNotFound("s"), 3),
        (errors.TaskNotFound("t"), 3),
        (errors.SessionEnded("s", "completed"), 4),
        (errors.AgentNotActive("s", "ceo", "ceo"), 4),
        (errors.QuestionNotAsked("s"), 4),
        (errors.TooManySessions(10), 5),
        (errors.MemoryExceeded("m", 50, 24), 5),
        (errors.SystemNotRunning("http://127.0.0.1:8000"), 6),
        (errors.ModelMissing("http://127.0.0.1:11434", "m"), 6),
    ],
)
def test_an_error_exits_with_the_code_of_its_group(error: errors.DelegatorError, code: int) -> None:
    assert exits.exit_code_of(error) == code


def test_every_group_of_the_tree_has_a_code_of_its_own() -> None:
    groups = errors.DelegatorError.__subclasses__()

    codes = {exits.exit_code_of(group.__new__(group)) for group in groups}

    assert len(codes) == len(groups)
    assert codes <= set(exits.MEANING)
    assert exits.FAILED not in codes
