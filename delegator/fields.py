"""The building blocks of requests and replies: bounded texts, times, sizes, and the two base classes.

Owns bounds and how values are shown; which fields there are is `delegator/schemas.py`.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    WithJsonSchema,
)

from delegator.wording import first_problem, problem_of
from delegator.words import Rung

MAX_TEXT_CHARS = 20_000
"""Longest task or message, in characters: about 5,000 tokens, which leaves a window of 8,192 room for the team."""

MAX_CONTEXT_BYTES = 65_536
"""Largest `context` of a session, as JSON."""

MAX_CONTEXT_DEPTH = 20
"""Deepest nesting of a `context`: far below where parsers and serialisers give up."""


def _storable(text: str) -> str:
    """Refuse what a database text or a UTF-8 wire cannot carry."""
    if "\x00" in text:
        raise ValueError("contains a NUL character")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("contains half of a surrogate pair, which is not text") from None
    return text


def _meaningful(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty")
    return _storable(text)


_ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
"""A NUL as JSON writes it; an even number of backslashes before it means the six characters themselves."""


def _depth(value: Any, level: int = 1) -> int:
    """Return how deep `value` is nested, looking no further than needed to refuse it."""
    if level > MAX_CONTEXT_DEPTH or not isinstance(value, (dict, list, tuple)):
        return level
    inner = value.values() if isinstance(value, dict) else value
    return max((_depth(item, level + 1) for item in inner), default=level)


def _storable_context(context: dict[str, Any]) -> dict[str, Any]:
    if not context:
        return context
    if _depth(context) > MAX_CONTEXT_DEPTH:
        raise ValueError(f"is nested more than {MAX_CONTEXT_DEPTH} levels deep")
    try:
        text = json.dumps(context, allow_nan=False, ensure_ascii=False)
    except (TypeError, ValueError):
        raise ValueError("holds something that JSON cannot say, such as NaN or an object") from None
    if _ESCAPED_NUL.search(text):
        raise ValueError("contains a NUL character")
    size = len(_storable(text).encode())
    if size > MAX_CONTEXT_BYTES:
        raise ValueError(f"is {size} bytes of JSON; at most {MAX_CONTEXT_BYTES} are taken")
    return context


def _utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def no_bool(value: Any) -> Any:
    """Refuse true and false, which Python and pydantic would take for 1 and 0."""
    if isinstance(value, bool):
        raise ValueError("must be a number, not true or false")
    return value


def _calendar_day(value: Any) -> Any:
    """Take YYYY-MM-DD alone: pydantic would also read a number as seconds since 1970."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        return value
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise ValueError("is not a day; write YYYY-MM-DD")


def _in_calendar(value: date) -> date:
    if not 1970 <= value.year < 9999:
        raise ValueError("is not a day between 1970 and 9998")
    return value


Day = Annotated[date, BeforeValidator(_calendar_day), AfterValidator(_in_calendar)]
"""A UTC calendar day, YYYY-MM-DD. Named so that a field may be called `date`."""

Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT_CHARS), AfterValidator(_meaningful)]
"""A task or a message: 1 to 20,000 characters that are not all blank."""

ShortText = Annotated[str, Field(max_length=2_000), AfterValidator(_storable)]
"""A reason or a remark: at most 2,000 characters, may be empty."""

Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[!-~]+$")]
"""An identifier: printable ASCII without blanks."""

Count = Annotated[int, BeforeValidator(no_bool)]
"""A whole number of a request."""

Gigabytes = Annotated[
    float, PlainSerializer(lambda v: round(v, 1), return_type=float), Field(ge=0, allow_inf_nan=False)
]
"""10^9 bytes, shown with one decimal."""

Seconds = Annotated[float, PlainSerializer(lambda v: round(v, 2), return_type=float), Field(ge=0, allow_inf_nan=False)]
"""Model seconds, shown with two decimals."""

GigabyteSeconds = Annotated[
    float, PlainSerializer(lambda v: round(v, 1), return_type=float), Field(allow_inf_nan=False)
]
"""GB times model seconds, shown with one decimal; a saving below 0 is a loss."""

WattHours = Annotated[float, PlainSerializer(lambda v: round(v, 4), return_type=float), Field(allow_inf_nan=False)]
"""Electricity, shown with four decimals; a saving below 0 is a loss."""

Amount = Annotated[float, PlainSerializer(lambda v: round(v, 6), return_type=float), Field(allow_inf_nan=False)]
"""Money in the currency that stands beside it, shown with six decimals; a saving below 0 is a loss."""

Rate = Annotated[float, BeforeValidator(no_bool), Field(ge=0, allow_inf_nan=False)]
"""A price, or a number of watts; 0 leaves what it stands for out."""

Ratio = Annotated[float, PlainSerializer(lambda v: round(v, 4), return_type=float), Field(allow_inf_nan=False)]
"""A share: 0 is nothing, 1 is all; a saving below 0 is a loss."""

Moment = Annotated[
    datetime,
    AfterValidator(_utc),
    PlainSerializer(lambda v: v.isoformat().replace("+00:00", "Z"), return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A UTC time stamp in RFC 3339."""


def rungs_in_words(value: Any) -> Any:
    """Take 'wait, smaller' for a list of two: how a command line and the environment write lists."""
    return [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else value


def ladder_in_order(rungs: tuple[Rung, ...]) -> tuple[Rung, ...]:
    """Refuse a ladder that names a rung twice, or goes on after `refuse`."""
    twice = next((rung for position, rung in enumerate(rungs) if rung in rungs[:position]), None)
    if twice is not None:
        raise ValueError(f"names '{twice}' twice")
    if Rung.REFUSE in rungs[:-1]:
        raise ValueError("goes on after 'refuse', which is the end")
    return rungs


Ladder = Annotated[tuple[Rung, ...], BeforeValidator(rungs_in_words), AfterValidator(ladder_in_order)]
"""Rungs in the order in which they are tried, each once; 'refuse' stands at the end whether it is named or not."""


def names_in_words(value: Any) -> Any:
    """Take 'ceo, cto' for a list of two: how a command line and the environment write lists."""
    return [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else value


def _each_once(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


RoleNames = Annotated[
    tuple[Name, ...], Field(max_length=50), BeforeValidator(names_in_words), AfterValidator(_each_once)
]
"""Roles of the catalogue, each once, in the order given. Which exist is checked where the catalogue is known."""

WaitSeconds = Annotated[float, BeforeValidator(no_bool), Field(ge=0, le=20, allow_inf_nan=False)]
"""How long a call may wait for its result before it answers with a handle; at most 20."""


TurnPurpose = Literal["frame", "contribute", "conclude", "answer"]
"""What a role does in one turn of a task."""


class Request(BaseModel):
    """Base of all requests: unknown fields are refused."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        populate_by_name=True,
        serialize_by_alias=True,
        hide_input_in_errors=True,
        defer_build=True,
    )


class Reply(BaseModel):
    """Base of all replies and their parts."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, serialize_by_alias=True, defer_build=True)


Priority = Annotated[
    Literal["low", "normal", "medium", "high", "urgent", "critical"],
    BeforeValidator(lambda v: v.strip().lower() if isinstance(v, str) else v),
]
"""How much a task presses; upper and lower case are the same."""


class TaskContext(Request):
    """What a caller knows about a task beside its text. Further keys are kept and shown to the team."""

    model_config = ConfigDict(extra="allow")

    priority: Priority | None = Field(None, description="critical and urgent raise the complexity.")
    deadline: ShortText | None = Field(None, description="A date or a phrase; its presence raises the complexity.")
    existing_code: ShortText | None = Field(None, description="Where the code is that the task is about.")


def _known_keys(context: dict[str, Any]) -> dict[str, Any]:
    """Check the keys that decide something, and keep all others as they are."""
    if not context:
        return context
    try:
        known = TaskContext.model_validate(context)
    except ValidationError as exc:
        found = first_problem(exc)
        raise ValueError(f"{found['loc'][0]} {problem_of(found)}") from None
    return context | {key: getattr(known, key) for key in TaskContext.model_fields if key in context}


class _ShownAsTaskContext:
    """Gives a context the JSON schema of `TaskContext`, when a schema is asked for: importing shall not wait for it."""

    def __get_pydantic_json_schema__(self, _core_schema: Any, _handler: Any) -> dict[str, Any]:
        return TaskContext.model_json_schema()


Context = Annotated[
    dict[str, Any],
    AfterValidator(_storable_context),
    AfterValidator(_known_keys),
    _ShownAsTaskContext(),
]
"""A `TaskContext` as the object it came as: at most 65,536 bytes of JSON, nested at most 20 levels."""
