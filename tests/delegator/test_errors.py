"""The error tree: codes are unique, texts are sentences, and every error survives the way between processes."""

import json
import pickle
from collections import Counter
from typing import Any, get_origin, get_type_hints

import pytest

from delegator import errors
from delegator.errors import DelegatorError, InvalidInput, SettingsInvalid, all_error_types

SAMPLES: dict[Any, Any] = {str: "a text", int: 3, float: 1.5, bool: True, tuple: ("first", "second"), dict: {"key": 1}}

every_error = pytest.mark.parametrize("cls", all_error_types(), ids=lambda cls: cls.__name__)


def sample(cls: type[DelegatorError]) -> DelegatorError:
    """Build an error of the class with values of the types its attributes declare."""
    hints = get_type_hints(cls)
    return cls(*(SAMPLES[get_origin(hints[name]) or hints[name]] for name in cls.fields))


@every_error
def test_an_error_survives_pickling(cls):
    error = sample(cls)

    restored = pickle.loads(pickle.dumps(error))

    assert type(restored) is cls
    assert restored.args == error.args
    assert (restored.code, restored.message, restored.advice) == (error.code, error.message, error.advice)
    assert vars(restored) == vars(error)


@every_error
def test_an_error_tells_its_facts_as_json(cls):
    error = sample(cls)

    details = json.loads(json.dumps(error.details()))

    assert list(details) == list(cls.fields)


@every_error
def test_an_error_says_what_is_wrong_in_one_line(cls):
    error = sample(cls)

    assert str(error) == error.message
    assert error.message.strip()
    assert "\n" not in error.message + error.advice


@every_error
def test_an_error_class_says_when_it_happens(cls):
    assert cls.__doc__ is not None
    assert "__doc__" in vars(cls)
    assert cls.__doc__.strip().endswith((".", "`."))


@every_error
def test_an_error_with_missing_facts_is_a_bug_and_not_an_error_of_ours(cls):
    with pytest.raises(TypeError):
        cls(*range(len(cls.fields) + 1))


def test_codes_are_unique_and_stable_in_form():
    codes = Counter(vars(cls).get("code", "inherited") for cls in all_error_types())

    assert [code for code, count in codes.items() if count > 1] == []
    assert all(code.isidentifier() and code.islower() for code in codes)


def test_every_exception_of_the_module_is_in_the_tree():
    defined = {value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)}

    assert defined == set(all_error_types())


def test_what_others_make_of_our_errors_is_not_in_the_tree():
    made = type("RayTaskError(InvalidInput)", (InvalidInput,), {"__module__": "ray.exceptions"})

    assert made not in all_error_types()


def test_the_picture_in_the_module_head_shows_every_class():
    assert errors.__doc__ is not None
    shown = {word for line in errors.__doc__.splitlines() for word in line.replace("│", " ").split()}

    assert [cls.__name__ for cls in all_error_types() if cls.__name__ not in shown] == []


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (InvalidInput("task", "is empty", ""), "task: is empty"),
        (InvalidInput("", "is not JSON", ""), "is not JSON"),
        (SettingsInvalid("port", "x", "is not a number", ""), "setting port = 'x': is not a number"),
        (SettingsInvalid("port", "", "is not a number", ""), "setting port: is not a number"),
        (errors.MemoryExceeded("big:70b", 43.04, 16.0), "big:70b needs 43.0 GB and 16.0 GB are there for models"),
    ],
)
def test_messages_name_what_they_are_about(error, message):
    assert str(error) == message
