"""What is wrong with the settings, told by the key the user wrote.

Owns the prefix of our variables, and the way from a finding of pydantic or pydantic-settings to `SettingsInvalid`:
which source the value came from, how that source spells the key, what would be right. The settings themselves are
`delegator/settings.py`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import SettingsError

from delegator.errors import SettingsInvalid
from delegator.wording import first_problem, format_size, near_miss, problem_of

PREFIX = "DELEGATOR_"
CONFIG_VARIABLE = "DELEGATOR_CONFIG"
NOT_SETTINGS = frozenset({CONFIG_VARIABLE, "DELEGATOR_INSTANCE"})
"""Variables with our prefix that are no settings: where the file is, and the mark on processes of one instance."""
_TESTS_PREFIX = "DELEGATOR_TEST_"
_IN_BYTES = frozenset({"memory", "memory_reserve", "load_rate_bytes_s"})
_PASSWORD = re.compile(r"(?<=://)([^:/?#]*):.*@|(?<=password=)[^&\s]*", re.IGNORECASE | re.DOTALL)
_LONGEST_VALUE = 80


@dataclass(frozen=True)
class Origin:
    """The sources that settings were read from, the strongest first.

    Attributes:
        options: what the caller gave.
        environ: the environment.
        file: the settings file, which need not exist.
    """

    options: Mapping[str, Any]
    environ: Mapping[str, str]
    file: Path

    def key_and_value(self, path: tuple[str, ...]) -> tuple[str, Any]:
        """Return how the user spelt the setting at `path`, and the value found there; None where it is not found."""
        found, value = _walk(self.options, path)
        if found:
            return ".".join(path), value
        named = _variable_in(self.environ, path)
        if named is not None:
            return named, self.environ[named]
        if self.file.is_file():
            found, value = _walk(tomllib.loads(self.file.read_text(encoding="utf-8")), path)
            if found:
                return f"{'.'.join(path)} in {self.file}", value
        return ".".join(path), None


def settings_invalid(exc: ValidationError | SettingsError, model: type[BaseModel], origin: Origin) -> SettingsInvalid:
    """Turn what the settings model or one of its sources said into the error that people read."""
    if isinstance(exc, SettingsError):
        return _unreadable(exc, model, origin)
    error = first_problem(exc)
    path = tuple(str(part) for part in error["loc"])
    key, value = origin.key_and_value(path)
    if error["type"] == "extra_forbidden":
        spelt = tuple(key.upper().removeprefix(PREFIX).lower().split("__"))
        as_variable = key.upper().startswith(PREFIX) and len(spelt) >= len(path)
        advice = _suggestion(spelt if as_variable else path, model, as_variable)
        return SettingsInvalid(key, _shown(path, value), "is not a setting", advice)
    return SettingsInvalid(key, _shown(path, value), problem_of(error), _expected(path, model))


def refuse_unknown_variables(environ: Mapping[str, str], model: type[BaseModel]) -> None:
    """Raise `SettingsInvalid` for a variable with our prefix that sets nothing, which is most often misspelt."""
    for name, value in environ.items():
        upper = name.upper()
        if not upper.startswith(PREFIX) or upper in NOT_SETTINGS or upper.startswith(_TESTS_PREFIX):
            continue
        path = tuple(upper.removeprefix(PREFIX).lower().split("__"))
        if path[0] not in model.model_fields or (len(path) > 1 and _model_at(path[:1], model) is None):
            raise SettingsInvalid(name, _shown(path, value), "is not a setting", _suggestion(path, model, True))


def _unreadable(exc: SettingsError, model: type[BaseModel], origin: Origin) -> SettingsInvalid:
    """Name the variable that a source could not decode: one of a whole table, which must be JSON."""
    name = next((field for field in model.model_fields if f'"{field}"' in str(exc)), "")
    key, value = origin.key_and_value((name,))
    parts = _model_at((name,), model)
    example = f"Set its parts, as in {key}__LOW__MAX_AGENTS=3." if name == "complexity_limits" else ""
    if parts is not None and not example:
        example = f"Write {{{', '.join(parts.model_fields)}}} as JSON, or [[{name}]] in a delegator.toml."
    return SettingsInvalid(key, _shown((name,), value), "is not JSON", example)


def _variable_in(environ: Mapping[str, str], path: tuple[str, ...]) -> str | None:
    """Return the variable that set `path`: its own, one of a table above it (as JSON), or one of a part below it."""
    names = {name.upper(): name for name, value in environ.items() if value}
    for length in range(len(path), 0, -1):
        if _variable(path[:length]) in names:
            return names[_variable(path[:length])]
    below = sorted(upper for upper in names if upper.startswith(f"{_variable(path)}__"))
    return names[below[0]] if below else None


def _variable(path: tuple[str, ...]) -> str:
    return PREFIX + "__".join(path).upper()


def _walk(tree: Mapping[str, Any], path: tuple[str, ...]) -> tuple[bool, Any]:
    """Return whether `path` leads through `tree`, and to what."""
    here: Any = tree
    for part in path:
        if isinstance(here, BaseModel):
            here = here.model_dump()
        if not isinstance(here, Mapping) or part not in here:
            return False, None
        here = here[part]
    return True, here


def _shown(path: tuple[str, ...], value: Any) -> str:
    """Return the value for people: no password, nothing long, empty where there is none to show."""
    if value is None or isinstance(value, (Mapping, list, BaseModel)):
        return ""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if path[-1] == "webhook" or (path[0] == "database_url" and "://" not in text):  # either may hold a secret
        return "***"
    text = _PASSWORD.sub(lambda match: f"{match[1]}:***@" if match[1] is not None else "***", text)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"


def _model_at(path: tuple[str, ...], model: type[BaseModel]) -> type[BaseModel] | None:
    """Return the model of the table at `path`; None where there is no table."""
    here = model
    for part in path:
        if part.isdigit() and here is not model:  # of a list of tables
            continue
        field = here.model_fields.get(part)
        table = None if field is None else _table_in(field.annotation)
        if table is None:
            return None
        here = table
    return here


def _table_in(annotation: Any) -> type[BaseModel] | None:
    """Return the table that a setting is, or is a list of."""
    element = get_args(annotation)[0] if get_origin(annotation) is tuple else annotation
    return element if isinstance(element, type) and issubclass(element, BaseModel) else None


def _field_at(path: tuple[str, ...], model: type[BaseModel]) -> FieldInfo | None:
    parent = _model_at(path[:-1], model)
    return parent.model_fields.get(path[-1]) if parent is not None else None


def _suggestion(path: tuple[str, ...], model: type[BaseModel], as_variable: bool) -> str:
    """Name the setting that was probably meant, as the user's source spells it."""
    for depth, part in enumerate(path):
        table = _model_at(path[:depth], model)
        if table is None:
            break
        if part in table.model_fields or (part.isdigit() and depth > 0):
            continue
        meant = near_miss(part, table.model_fields)
        if meant is None:
            return f"There are: {', '.join(sorted(table.model_fields))}."
        right = (*path[:depth], meant, *path[depth + 1 :])
        return f"Did you mean {_variable(right) if as_variable else '.'.join(right)}?"
    return "It has no parts to set."


def _expected(path: tuple[str, ...], model: type[BaseModel]) -> str:
    """Say what the setting means and what it is when nobody sets it."""
    field = _field_at(path, model)
    if field is None:
        return ""
    told = [field.description or ""]
    default = field.default
    if path[0] in _IN_BYTES and default is not None:
        default = format_size(default)
    if isinstance(default, (str, int, float, Path)) and not field.is_required():
        told.append(f"The default is {str(default).lower() if isinstance(default, bool) else default}.")
    return " ".join(part for part in told if part)
