"""`delegator analyze` and `delegator roles`: what needs no running system.

Both are answered from the rules and the catalogue, by `serve_app/local.py`.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Callable
from functools import cache, partial
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from delegator.errors import InvalidInput
from delegator.schemas import AnalyzeTaskRequest, ErrorReply, NoInput, Reply, TeamWishes
from delegator.settings import Settings
from serve_app.cli.commands import SYSTEM, WORK, AsJson, add_command
from serve_app.cli.line_answers import answer_stream
from serve_app.cli.operation_commands import with_parameters
from serve_app.cli.request_options import TEAM_OPTIONS, RequestOptions, validated
from serve_app.cli.terminal import Terminal
from serve_app.faults import body_of, delegator_error

if TYPE_CHECKING:
    from io import BufferedReader

    from serve_app.local import LocalAnswers

Catalogue = Annotated[
    str | None, typer.Option("--catalogue", metavar="NAME|PATH", help="echo, compact, single, or a path; else as set.")
]

Lines = Annotated[
    bool,
    typer.Option(
        "--jsonl",
        help='Read {"text": ...} lines from standard input and answer each at once with one JSON line. '
        "context, task_category, include_roles and the like may stand beside text.",
    ),
]

ANALYZE = RequestOptions(
    model=AnalyzeTaskRequest,
    arguments={"task_description": "[TEXT]"},
    names=TEAM_OPTIONS,
    omitted=frozenset({"analyze_only"}),
)

_LINE_FIELDS = {"text": "task_description"} | {name: name for name in ("context", *TeamWishes.model_fields)}
"""Key of a line -> field of the request. Further keys of a line are its owner's business."""


def analyze(*, as_json: bool, jsonl: bool, catalogue: str | None, **values: Any) -> None:
    """Analyze one task, or one a line."""
    if jsonl:
        if values.get("task_description") is not None:
            raise InvalidInput("TEXT", "is not taken with --jsonl", "Give the texts on standard input, one a line.")
        _kept_answers.cache_clear()
        _kept_answers(catalogue)  # a wrong catalogue is told before any line is read
        answer = partial(answer_line, answer=partial(_analyzed, catalogue))
        answer_stream(cast("BufferedReader", sys.stdin.buffer), sys.stdout.buffer, answer)
        return
    if values.get("task_description") is None:
        raise InvalidInput("TEXT", "is missing", 'Write for example: delegator analyze "Fix typo in README"')
    request = ANALYZE.request(values)
    assert isinstance(request, AnalyzeTaskRequest)  # noqa: S101 - for the type checker
    Terminal(as_json=as_json).reply(_answers(catalogue).analyze_task(request))


def _analyzed(catalogue: str | None, request: AnalyzeTaskRequest) -> Reply:
    return _kept_answers(catalogue).analyze_task(request)


def answer_line(line: bytes, answer: Callable[[AnalyzeTaskRequest], Reply]) -> bytes:
    """Return the answer to one line as one JSON line; to a bad one an error object."""
    try:
        reply = answer(_request_of(line))
    except Exception as exc:  # one bad line, or one bug, must not cost the lines after it
        reply = ErrorReply(error=body_of(delegator_error(exc)))
    return reply.model_dump_json(by_alias=True, ensure_ascii=True).encode() + b"\n"


def _request_of(line: bytes) -> AnalyzeTaskRequest:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):  # bytes that are no UTF-8 are a ValueError too
        raise InvalidInput("line", "is not JSON", 'Write for example {"text": "Fix typo in README"}') from None
    if not isinstance(found, dict):
        raise InvalidInput("line", "is not a JSON object", 'Write for example {"text": "Fix typo in README"}')
    if "text" not in found:
        raise InvalidInput("text", "is missing", 'Write for example {"text": "Fix typo in README"}')
    try:
        request = validated(AnalyzeTaskRequest, {_LINE_FIELDS[key]: found[key] for key in found if key in _LINE_FIELDS})
    except InvalidInput as error:
        field = "text" if error.field == "task_description" else error.field
        raise InvalidInput(field, error.problem, error.expected) from error
    assert isinstance(request, AnalyzeTaskRequest)  # noqa: S101 - for the type checker
    return request


def roles(*, as_json: bool, catalogue: str | None) -> None:
    """List the roles of a catalogue."""
    Terminal(as_json=as_json).reply(_answers(catalogue).list_roles(NoInput()))


def _answers(catalogue: str | None) -> LocalAnswers:
    from delegator.roles import load_catalogue
    from serve_app.local import LocalAnswers

    settings = Settings.load(catalogue=catalogue)
    return LocalAnswers(load_catalogue(settings.catalogue), settings)


@cache
def _kept_answers(catalogue: str | None) -> LocalAnswers:
    """Return the answers of one stream of lines: made once, and shared by the processes that help."""
    return _answers(catalogue)


def _own_parameters() -> list[inspect.Parameter]:
    keyword = inspect.Parameter.KEYWORD_ONLY
    return [
        inspect.Parameter("jsonl", keyword, annotation=Lines, default=False),
        inspect.Parameter("catalogue", keyword, annotation=Catalogue, default=None),
        inspect.Parameter("as_json", keyword, annotation=AsJson, default=False),
    ]


def add_analyze(program: typer.Typer) -> None:
    """Add `delegator analyze` to the program."""
    add_command(
        program,
        "analyze",
        with_parameters(analyze, [*ANALYZE.parameters(), *_own_parameters()], name="analyze_task"),
        about="Say what a task is and whom it needs: type, complexity, team, reasons. Needs no running system, reads "
        "by the shipped weights; what a running system has learned from use shows in plan and session create.",
        examples=(
            'delegator analyze "Add user authentication feature"',
            'delegator analyze "Implement login" --priority high --deadline 2025-12-01 --json',
            "delegator analyze --jsonl < tasks.jsonl > analyses.jsonl",
        ),
        panel=WORK,
    )


def add_roles(program: typer.Typer) -> None:
    """Add `delegator roles` to the program."""
    add_command(
        program,
        "roles",
        with_parameters(roles, _own_parameters()[1:], name="list_roles"),
        about="List the roles of the catalogue by rank, with their models. Needs no running system.",
        examples=("delegator roles", "delegator roles --catalogue compact --json"),
        panel=SYSTEM,
    )
