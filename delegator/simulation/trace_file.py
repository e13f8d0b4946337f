"""Reads a trace that somebody wrote: JSON Lines, one session a line, in the order they like.

    {"at_s": 0, "task": "Add user authentication feature", "tasks": 2}
    {"at_s": 90, "team": ["senior_developer"], "tasks": [5, 240, 60], "close_after_s": 600}

`task` is analysed as `delegator analyze` does, which finds the team and the memory its session may use; `team` names
the roles instead. `tasks` is how many tasks the session has, or a list with the seconds somebody thinks before each,
the first counted from the session's creation. Empty lines and lines that begin with # are left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from delegator.analysis import Analyzer
from delegator.errors import InvalidInput
from delegator.roles.catalogue import Catalogue
from delegator.schemas import AnalyzeTaskRequest, Complexity, Context, TaskCategory, Text, no_bool
from delegator.settings import GB, ComplexityLimits
from delegator.simulation.office import MEDIAN_THINK_S
from delegator.simulation.trace import HEAD_START_S, READING_S, WRITING_S, TracedSession
from delegator.wording import first_problem, near_miss, problem_of

MOST_TASKS = 1000
"""Of one session; more is taken for a slip of the pen."""

LONGEST_S = 366 * 24 * 3600.0

Seconds = Annotated[float, BeforeValidator(no_bool), Field(ge=0, le=LONGEST_S, allow_inf_nan=False)]
TurnSeconds = Annotated[float, BeforeValidator(no_bool), Field(gt=0, le=24 * 3600, allow_inf_nan=False)]
TaskCount = Annotated[int, BeforeValidator(no_bool), Field(ge=1, le=MOST_TASKS)]

EXAMPLE = '{"at_s": 0, "task": "Fix typo in README", "tasks": 2}'


class TraceLine(BaseModel):
    """One line of a trace file."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    at_s: Seconds = Field(description="When the session is created, in seconds from the beginning.")
    task: Text | None = Field(None, description="What it is about, in plain words; the analysis picks the team.")
    category: TaskCategory | None = Field(None, description="Fixes the team of `task`.")
    context: Context = Field(default_factory=dict, description="Priority, deadline and other facts of `task`.")
    team: Annotated[tuple[str, ...], Field(min_length=1, max_length=100)] | None = Field(
        None, description="Its roles, instead of `task`."
    )
    complexity: Complexity | None = Field(
        None, description="Whose memory limit holds for a `team`; without it none but the machine's."
    )
    tasks: TaskCount | Annotated[tuple[Seconds, ...], Field(min_length=1, max_length=MOST_TASKS)] = Field(
        1, description="How many tasks, or the seconds somebody thinks before each."
    )
    think_s: Seconds = Field(MEDIAN_THINK_S, description="Seconds between two tasks, where `tasks` is a number.")
    close_after_s: Seconds = Field(0.0, description="Seconds from its last answer until it is ended.")
    reading_s: TurnSeconds = Field(READING_S, description="Seconds a turn reads until its first token.")
    writing_s: TurnSeconds = Field(WRITING_S, description="Seconds a turn writes.")

    @model_validator(mode="after")
    def _either_task_or_team(self) -> Self:
        if (self.task is None) == (self.team is None):
            raise ValueError("needs either task or team")
        if self.team is not None and (self.category is not None or self.context):
            raise ValueError("takes category and context only with task")
        if self.task is not None and self.complexity is not None:
            raise ValueError("takes complexity only with team; that of a task is found by its analysis")
        return self

    @property
    def thinks_s(self) -> tuple[float, ...]:
        """Return the seconds somebody thinks before each task."""
        if isinstance(self.tasks, int):
            return (HEAD_START_S, *[self.think_s] * (self.tasks - 1))
        return self.tasks


class TraceReader:
    """Reads lines for one catalogue and one set of limits."""

    def __init__(self, catalogue: Catalogue, limits: ComplexityLimits) -> None:
        self._catalogue = catalogue
        self._limits = limits
        self._analyzer = Analyzer(catalogue, limits)

    def read(self, lines: Iterable[str], *, name: str) -> tuple[TracedSession, ...]:
        """Return the sessions in the order of their creation.

        Args:
            lines: of the file.
            name: what errors call it.

        Raises:
            InvalidInput: a line is wrong, told by its number; or there is none.
        """
        sessions = []
        for number, line in enumerate(lines, start=1):
            if (text := line.strip()) and not text.startswith("#"):
                where = f"{name}, line {number}"
                sessions.append(self._session(_line(text, where), where))
        if not sessions:
            raise InvalidInput(name, "has no session", f"Write one a line, for example {EXAMPLE}")
        return tuple(sorted(sessions, key=lambda session: session.at_s))

    def _session(self, line: TraceLine, where: str) -> TracedSession:
        team, limit_bytes = self._given(line, where) if line.task is None else self._analysed(line, line.task)
        return TracedSession(
            line.at_s, team, line.thinks_s, line.close_after_s, line.reading_s, line.writing_s, limit_bytes
        )

    def _given(self, line: TraceLine, where: str) -> tuple[tuple[str, ...], int | None]:
        unknown = [role for role in line.team or () if role not in self._catalogue.roles]
        if unknown:
            names = self._catalogue.names
            near = near_miss(unknown[0], names)
            hint = f"Did you mean {near}?" if near else f"The roles are: {', '.join(names)}."
            raise InvalidInput(f"{where}, team", "names a role that the catalogue does not have", hint)
        limit = None if line.complexity is None else round(self._limits.of(line.complexity).max_memory_gb * GB)
        return tuple(self._catalogue.in_rank_order(line.team or ())), limit

    def _analysed(self, line: TraceLine, task: str) -> tuple[tuple[str, ...], int]:
        request = AnalyzeTaskRequest(task_description=task, context=line.context, task_category=line.category)
        found = self._analyzer.analyze(request)
        return tuple(found.recommended_agents), round(found.limits.max_memory_gb * GB)


def _line(text: str, where: str) -> TraceLine:
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidInput(where, "is not JSON", f"Write for example {EXAMPLE}") from None
    if not isinstance(found, dict):
        raise InvalidInput(where, "is not a JSON object", f"Write for example {EXAMPLE}")
    try:
        return TraceLine.model_validate(found)
    except ValidationError as exc:
        raise _explained(exc, where) from None


def _explained(exc: ValidationError, where: str) -> InvalidInput:
    first = first_problem(exc)
    field = str(first["loc"][0]) if first["loc"] else ""
    known = tuple(TraceLine.model_fields)
    if first["type"] == "extra_forbidden":
        near = near_miss(field, known)
        hint = f"Did you mean {near}?" if near else f"The keys are: {', '.join(known)}."
        return InvalidInput(where, f"has a key that is not known: {field[:60]!r}", hint)
    if field not in known:
        return InvalidInput(where, problem_of(first), f"Write for example {EXAMPLE}")
    problem = "is neither a number of tasks nor a list of seconds" if field == "tasks" else problem_of(first)
    return InvalidInput(f"{where}, {field}", problem, TraceLine.model_fields[field].description or "")
