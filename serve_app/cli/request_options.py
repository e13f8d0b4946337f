"""Arguments and options of a command, derived from a request model of the public vocabulary.

Names, types, defaults and help come from the fields, so a command cannot drift from the operation behind it. Owns only
the translation; which operation has which command is in the files of the groups, the rules are pydantic's.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Annotated, Any, Literal, get_args, get_origin

import typer
from pydantic import ValidationError
from pydantic.fields import FieldInfo
from rich.markup import escape

from delegator.errors import InvalidInput
from delegator.schemas import Request, TaskContext
from serve_app.faults import invalid_input

TEAM_OPTIONS: Mapping[str, str] = {
    "task_category": "category",
    "task_type": "type",
    "include_roles": "include",
    "exclude_roles": "exclude",
    "pin_roles": "pin",
}
"""{field: option} of what people decide about a team themselves."""

STANDARD_INPUT = "-"
"""A text argument that means: read the text from standard input."""

TEXT_HELP = "Plain words; - reads them from standard input."

_CONTEXT = "context"
_MAX_STDIN_CHARS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestOptions:
    """How the fields of one request model are given on the command line.

    Attributes:
        model: the request.
        arguments: fields given by position, in this order, with the word that stands for each in the usage line; in
            [brackets] it may be left out.
        names: option names that are not simply the field's alias or name.
        omitted: fields the command fills itself, or leaves at their defaults.
    """

    model: type[Request]
    arguments: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    omitted: frozenset[str] = frozenset()

    def parameters(self) -> list[inspect.Parameter]:
        """Return the parameters as Typer reads them from a signature: arguments first."""
        return [*self._positional(), *self._optional(), *self._context()]

    def request(self, values: Mapping[str, Any]) -> Request:
        """Build the request from what was given; what was not given (None) keeps its default.

        Raises:
            InvalidInput: a value that the model refuses.
        """
        given = {name: values[name] for name in self._plain_fields() if values.get(name) is not None}
        for name in self.arguments:
            if given.get(name) == STANDARD_INPUT:
                given[name] = sys.stdin.read(_MAX_STDIN_CHARS)
        if self._has_context:
            given[_CONTEXT] = _context_of(values)
        return validated(self.model, given)

    @property
    def _has_context(self) -> bool:
        return _CONTEXT in self.model.model_fields and _CONTEXT not in self.omitted

    def _plain_fields(self) -> Iterator[str]:
        return (name for name in self.model.model_fields if name not in self.omitted and name != _CONTEXT)

    def _positional(self) -> Iterator[inspect.Parameter]:
        for name, word in self.arguments.items():
            info = self.model.model_fields[name]
            told = _help(info) or (TEXT_HELP if word.strip("[]") == "TEXT" else "")
            argument = typer.Argument(metavar=word.strip("[]"), help=told, show_default=False)
            optional = word.startswith("[") or not info.is_required()
            annotation = _annotation(info) | None if optional else _annotation(info)
            default = None if optional else inspect.Parameter.empty
            yield _parameter(name, argument, annotation, default=default)

    def _optional(self) -> Iterator[inspect.Parameter]:
        for name in self._plain_fields():
            if name in self.arguments:
                continue
            info = self.model.model_fields[name]
            yield _option(name, self._option_name(name, info), info, default=_default(info))

    def _context(self) -> Iterator[inspect.Parameter]:
        if not self._has_context:
            return
        for name, info in TaskContext.model_fields.items():
            yield _option(name, f"--{name.replace('_', '-')}", info, default=None)
        told = "A further fact for the team; may be repeated. VALUE is JSON where it reads as JSON, else text."
        option = typer.Option("--context", metavar="KEY=VALUE", help=told)
        yield _parameter(_CONTEXT, option, list[str], default=None)

    def _option_name(self, name: str, info: FieldInfo) -> str:
        return "--" + self.names.get(name, info.alias or name).replace("_", "-")


def validated(model: type[Request], values: Mapping[str, Any]) -> Request:
    """Build a request, or say which field is wrong and why.

    Raises:
        InvalidInput: with what would be right, where that can be told.
    """
    try:
        return model.model_validate(values)
    except ValidationError as exc:
        raise invalid_input(exc) from exc


def _parameter(name: str, how: Any, annotation: Any, *, default: Any) -> inspect.Parameter:
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, annotation=Annotated[annotation, how], default=default
    )


def _option(name: str, written: str, info: FieldInfo, *, default: Any) -> inspect.Parameter:
    """Return an option; its choices stand in the help, where there is room for them."""
    choices = _choices(info)
    metavar = written.removeprefix("--").upper() if choices else None
    told = " ".join(filter(None, (_help(info), f"One of: {', '.join(choices)}." if choices else "")))
    return _parameter(name, typer.Option(written, metavar=metavar, help=told), _annotation(info), default=default)


def _help(info: FieldInfo) -> str:
    return escape(info.description or "")


def _choices(info: FieldInfo) -> list[str]:
    plain = _without_wrapping(info.annotation)
    if get_origin(plain) is Literal:
        return [str(value) for value in get_args(plain)]
    return [str(member.value) for member in plain] if isinstance(plain, type) and issubclass(plain, Enum) else []


def _default(info: FieldInfo) -> Any:
    if info.is_required():
        return inspect.Parameter.empty
    return info.default if isinstance(info.default, (str, int, float)) and info.default != "" else None


def _annotation(info: FieldInfo) -> Any:
    """Return the type Typer shall read: choices and numbers as such, everything else as text for pydantic to judge."""
    plain = _without_wrapping(info.annotation)
    optional = not info.is_required()
    if get_origin(plain) is Literal or (isinstance(plain, type) and issubclass(plain, (Enum, bool, int, float))):
        return plain | None if optional else plain
    return str | None if optional else str


def _without_wrapping(annotation: Any) -> Any:
    """Strip `Annotated` and `| None` from a type."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
            continue
        members = [member for member in get_args(annotation) if member is not type(None)]
        if type(None) in get_args(annotation) and len(members) == 1:
            annotation = members[0]
            continue
        return annotation


def _context_of(values: Mapping[str, Any]) -> dict[str, Any]:
    known = {name: values[name] for name in TaskContext.model_fields if values.get(name) is not None}
    return {**known, **dict(_fact(text) for text in values.get(_CONTEXT) or ())}


def _fact(text: str) -> tuple[str, Any]:
    key, separator, value = text.partition("=")
    if not separator or not key.strip():
        raise InvalidInput(_CONTEXT, f"{text!r} is not KEY=VALUE", "Write for example --context team=payments")
    try:
        return key.strip(), json.loads(value)
    except (ValueError, RecursionError):
        return key.strip(), value
