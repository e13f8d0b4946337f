"""Words for people: no jargon of pydantic, and no value that was given."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from delegator.schemas import Name, StatisticsRequest, TaskCategory, Text, WaitSeconds
from delegator.wording import first_problem, format_size, near_miss, problem_of


@pytest.mark.parametrize(
    ("kind", "value", "told"),
    [
        (int, "many", "is not a whole number"),
        (int, 1.5, "is not a whole number"),
        (float, "fast", "is not a number"),
        (bool, "maybe", "is neither true nor false"),
        (str, 5, "is not text"),
        (dict, [], "is not an object of keys and values"),
        (StatisticsRequest, "today", "is not an object of keys and values"),
        (TaskCategory, "fun", "is not one of strategic, technical, development, hr, operations, product, quick_fix"),
        (Text, "", "is empty"),
        (Text, " \n", "is empty"),
        (Text, "x" * 20_001, "is longer than 20000 characters"),
        (Text, "a\x00b", "contains a NUL character"),
        (Name, "two words", "may hold only ASCII letters, digits and signs, without blanks"),
        (WaitSeconds, 21, "must be at most 20"),
        (WaitSeconds, -1, "must be at least 0"),
        (WaitSeconds, True, "must be a number, not true or false"),
    ],
)
def test_a_problem_reads_on_after_the_name_of_the_field(kind, value, told):
    adapter: TypeAdapter[Any] = TypeAdapter(kind)

    with pytest.raises(ValidationError) as refused:
        adapter.validate_python(value)

    assert problem_of(first_problem(refused.value)) == told


def test_a_problem_without_words_of_its_own_is_told_in_pydantics():
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(complex).validate_python("x")

    assert problem_of(first_problem(refused.value)).startswith("input should be")


def test_an_unknown_name_is_told_before_what_is_missing():
    with pytest.raises(ValidationError) as refused:
        StatisticsRequest.model_validate({"from": 5, "form": "2025-01-01"})

    assert first_problem(refused.value)["loc"] == ("form",)


@pytest.mark.parametrize(("name", "meant"), [("prot", "port"), ("PORT", "port"), ("hom", "home"), ("zebra", None)])
def test_a_near_miss_is_the_name_that_was_meant(name, meant):
    assert near_miss(name, ["home", "port"]) == meant


@pytest.mark.parametrize(
    ("size", "shown"),
    [(64 * 10**9, "64GB"), (4_500_000_000, "4.5GB"), (250 * 10**6, "250MB"), (1_500, "1.5kB"), (7, "7B")],
)
def test_sizes_are_shown_as_people_write_them(size, shown):
    assert format_size(size) == shown
