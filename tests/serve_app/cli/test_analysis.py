"""What `delegator analysis` and `delegator session feedback` say to people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from delegator import schemas as s
from tests.serve_app.cli.conftest import Ended
from tests.serve_app.samples import EVALUATION, REPLIES, SESSION, CannedBackend


def retrained(**changes: Any) -> s.RetrainAnalysisReply:
    return s.RetrainAnalysisReply(**{**EVALUATION, "applied": False, "applied_version": None, **changes})


def test_an_evaluation_compares_readings_on_history_and_on_other_texts(online: Callable[..., Ended]) -> None:
    told = " ".join(online("analysis", "evaluate").out.split())

    assert "tasks are read by version 3" in told
    assert "7 (5 feedback, 2 role removed)" in told
    assert "shipped, held out 1 of 4 1 of 3 2 of 2" in told
    assert "retrained, held out 3 of 4 2 of 3 0 of 2" in told
    assert "retrained 73.9% 79.0% 92.0%" in told
    assert "bug fix → operations +operations_head, -senior_developer" in told
    assert told.endswith("Next: delegator analysis retrain --apply")


def test_without_texts_to_hold_out_nothing_is_compared(online: Callable[..., Ended], backend: CannedBackend) -> None:
    backend.answers["evaluate_analysis"] = s.AnalysisEvaluation(**{**EVALUATION, "folds": 0, "changes": []})

    told = online("analysis", "evaluate").out

    assert "too few texts to hold any out" in told
    assert "held out 1 of" not in " ".join(told.split())
    assert "No text of the history would be read otherwise than now." in told


@pytest.mark.parametrize(
    ("reply", "last"),
    [
        (retrained(), "Nothing was applied."),
        (retrained(applied=True, applied_version=4), "Applied: version 4 reads from now on."),
    ],
)
def test_retraining_says_whether_it_was_applied(
    online: Callable[..., Ended], backend: CannedBackend, reply: s.Reply, last: str
) -> None:
    backend.answers["retrain_analysis"] = reply

    assert online("analysis", "retrain", "--apply").out.strip().endswith(last)


def test_a_refusal_is_told_and_nothing_further_is_suggested(
    online: Callable[..., Ended], backend: CannedBackend
) -> None:
    backend.answers["evaluate_analysis"] = s.AnalysisEvaluation(**{**EVALUATION, "refused": "It would read worse."})

    told = online("analysis", "evaluate").out

    assert "Refused: It would read worse." in told
    assert "--apply" not in told


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (REPLIES["reset_analysis"], "Tasks are read by the shipped weights again, and not by version 3."),
        (s.ResetAnalysisReply(version=2, version_before=3), "Tasks are read by version 2 again, and not by version 3."),
        (s.ResetAnalysisReply(version=None, version_before=None), "Nothing changed: tasks are read by the shipped"),
    ],
)
def test_a_reset_says_by_what_tasks_are_read_now(
    online: Callable[..., Ended], backend: CannedBackend, reply: s.Reply, told: str
) -> None:
    backend.answers["reset_analysis"] = reply

    assert told in online("analysis", "reset").out


def test_versions_say_which_is_in_use_and_which_cannot_be(online: Callable[..., Ended]) -> None:
    rows = [" ".join(row.split()) for row in online("analysis", "versions").out.splitlines()]

    assert rows[0] == "Tasks are read by version 3; there are 7 lessons."
    assert rows[-2].endswith("1 of 4 3 of 4 in use")
    assert rows[-1].endswith("1 of 4 1 of 4 for other weights")


def test_feedback_says_what_was_recorded(online: Callable[..., Ended], backend: CannedBackend) -> None:
    told = online("session", "feedback", SESSION, "--rating", "2").out

    assert "2 of 5" in told
    assert "7 in all; delegator analysis retrain learns from it" in told
    backend.answers["give_feedback"] = REPLIES["give_feedback"].model_copy(update={"teaches": False})
    assert "it does not say what would be right" in online("session", "feedback", SESSION, "--rating", "2").out


def test_feedback_without_anything_said_is_refused(delegator: Callable[..., Ended]) -> None:
    ended = delegator("session", "feedback", SESSION, "--json")

    assert ended.code == 2
    assert "nothing is said" in ended.json["error"]["message"]


def test_the_local_analysis_says_by_what_it_reads(delegator: Callable[..., Ended]) -> None:
    assert "by the shipped weights" in " ".join(delegator("analyze", "--help").out.replace("│", " ").split())
