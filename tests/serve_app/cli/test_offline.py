"""analyze and roles: without a running system, quickly, and line by line."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from delegator.schemas import AnalyzeTaskRequest, TaskAnalysis
from serve_app.cli.line_answers import answer_stream
from serve_app.cli.offline import answer_line
from tests.serve_app.cli.conftest import Ended
from tests.serve_app.samples import ANALYSIS


def stream_of(text: bytes) -> io.BufferedReader:
    return io.BufferedReader(cast("io.RawIOBase", io.BytesIO(text)))


def answers(text: bytes) -> list[dict[str, Any]]:
    out = io.BytesIO()
    answer_stream(stream_of(text), out, partial(answer_line, answer=lambda _request: ANALYSIS))
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_analyze_prints_the_reply_of_the_operation(delegator: Callable[..., Ended]) -> None:
    ended = delegator("analyze", "Fix typo in README", "--json")

    assert ended.code == 0
    assert ended.json["recommended_agents"] == ["senior_developer"]
    assert TaskAnalysis.model_validate(ended.json).task_type == "bug_fix"


def test_analyze_shows_the_team_and_why(delegator: Callable[..., Ended]) -> None:
    ended = delegator("analyze", "Implement user authentication", "--priority", "high", "--deadline", "2025-12-01")

    assert "Task: feature development · high complexity" in ended.out
    assert "senior_architect  deepseek-coder:33b" in ended.out
    assert "\nWhy\n" in ended.out


def test_a_category_fixes_the_team(delegator: Callable[..., Ended]) -> None:
    ended = delegator("analyze", "Test monitoring", "--category", "quick_fix", "--json")

    assert ended.json["recommended_agents"] == ["senior_developer"]


def test_a_hostile_task_stays_text(delegator: Callable[..., Ended]) -> None:
    ended = delegator("analyze", "\x1b[2JFix [bold]typo[/bold] \x1b]0;gone\x07")

    assert ended.code == 0
    assert "\x1b" not in ended.out


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["analyze"], "is missing"),
        (["analyze", ""], "is empty"),
        (["analyze", "x" * 20_001], "20000"),
        (["analyze", "x", "--jsonl"], "is not taken with --jsonl"),
        (["analyze", "x", "--priority", "asap"], "not one of"),
        (["analyze", "x", "--category", "chores"], "not one of"),
        (["analyze", "x", "--context", "nonsense"], "is not KEY=VALUE"),
        (["analyze", "x", "--catalogue", "nowhere"], "nowhere"),
    ],
)
def test_bad_input_is_refused_with_a_sentence(
    delegator: Callable[..., Ended], arguments: list[str], problem: str
) -> None:
    ended = delegator(*arguments, "--json")

    assert ended.code == 2
    assert problem in ended.json["error"]["message"]


def test_every_line_gets_one_answer_bad_ones_an_error() -> None:
    lines = [
        b'{"text": "Fix typo", "id": 4}',
        b"not json",
        b"",
        b'{"text": ""}',
        b'{"task": "x"}',
        b"[1]",
        b"\xff",
        b'{"text": 3}',
        b'{"text": "x", "context": []}',
        b'{"text": "x", "task_category": "chores"}',
        b"[" * 100_000,
        b'{"text": "last"}',
    ]

    found = answers(b"\n".join(lines))

    assert len(found) == len(lines)
    assert found[0] == found[-1] == ANALYSIS.model_dump(mode="json")
    assert {answer["error"]["code"] for answer in found[1:-1]} == {"invalid_input"}
    assert found[3]["error"]["message"] == "text: is empty"


def test_a_line_hands_on_its_context_and_category() -> None:
    asked: list[AnalyzeTaskRequest] = []

    def answer(request: AnalyzeTaskRequest) -> TaskAnalysis:
        asked.append(request)
        return ANALYSIS

    line = b'{"text": "x", "context": {"priority": "high"}, "task_category": "hr"}'

    answer_line(line, answer)

    assert asked == [
        AnalyzeTaskRequest.model_validate(
            {"task_description": "x", "context": {"priority": "high"}, "task_category": "hr"}
        )
    ]


def test_a_bug_on_one_line_does_not_cost_the_next(caplog: pytest.LogCaptureFixture) -> None:
    def answer(request: AnalyzeTaskRequest) -> TaskAnalysis:
        if request.task_description == "bad":
            raise ZeroDivisionError("a bug")
        return ANALYSIS

    out = io.BytesIO()
    answer_stream(stream_of(b'{"text": "bad"}\n{"text": "good"}\n'), out, partial(answer_line, answer=answer))

    first, second = (json.loads(line) for line in out.getvalue().splitlines())
    assert first["error"]["code"] == "internal_error"
    assert second == ANALYSIS.model_dump(mode="json")
    assert "a bug" in caplog.text


def test_each_line_is_answered_before_the_next_is_sent(process: Callable[..., subprocess.Popen[str]]) -> None:
    with process("analyze", "--jsonl") as running:
        assert running.stdin is not None
        assert running.stdout is not None
        for text in ("Fix typo in README", "Hire two backend engineers"):
            running.stdin.write(json.dumps({"text": text}) + "\n")
            running.stdin.flush()
            assert "task_type" in json.loads(running.stdout.readline())
        running.stdin.close()

        assert running.wait(60) == 0


def test_roles_are_listed_by_rank(delegator: Callable[..., Ended]) -> None:
    ended = delegator("roles", "--json")

    assert [role["role"] for role in ended.json["roles"]][:3] == ["ceo", "cto", "product_manager"]
    assert "Senior Developer" in delegator("roles").out


def test_the_catalogue_is_that_of_the_option_then_of_the_settings(
    delegator: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DELEGATOR_CATALOGUE", "compact")

    assert delegator("roles", "--json").json["catalogue"] == "compact"
    assert delegator("roles", "--json", "--catalogue", "single").json["distinct_models"] == 1


@pytest.mark.parametrize("arguments", [["--help"], ["analyze", "Fix typo"], ["roles"], ["run", "--help"]])
def test_commands_without_a_system_load_neither_ray_nor_the_web(arguments: list[str]) -> None:
    program = (
        "import sys; from serve_app.cli.main import main; main(sys.argv[1:]);"
        "sys.exit(repr(sorted({'ray', 'mcp', 'fastapi', 'httpx', 'sqlalchemy', 'uvicorn'} & set(sys.modules))))"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}

    ended = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, env=environment)

    assert ended.stderr.strip() == "[]"


def test_many_waiting_lines_are_answered_in_their_order() -> None:
    out = io.BytesIO()
    lines = [f"line {number}".encode() for number in range(1_003)]
    answer_stream(stream_of(b"\n".join(lines)), out, shouted)

    assert out.getvalue().splitlines() == [line.upper() for line in lines]


def shouted(line: bytes) -> bytes:
    """Answer a line in another process, so that it must be found by its name."""
    return line.upper() + b"\n"
