"""Arguments and options come from the request model, and so do the refusals."""

from __future__ import annotations

import io
import sys
from typing import Any

import pytest

from delegator import schemas as s
from delegator.errors import InvalidInput
from serve_app.cli.request_options import RequestOptions

CREATE = RequestOptions(
    model=s.CreateSessionRequest, arguments={"task_description": "TEXT"}, names={"task_category": "category"}
)


def options_of(options: RequestOptions) -> dict[str, Any]:
    return {parameter.name: parameter.annotation.__metadata__[0] for parameter in options.parameters()}


def test_every_field_can_be_given() -> None:
    assert set(options_of(CREATE)) == {*s.CreateSessionRequest.model_fields, *s.TaskContext.model_fields}


def test_what_is_omitted_cannot_be_given() -> None:
    options = RequestOptions(model=s.GetTaskRequest, omitted=frozenset({"wait_s"}))

    assert set(options_of(options)) == {"task_id"}


def test_help_and_choices_come_from_the_field() -> None:
    category = options_of(CREATE)["task_category"]

    assert category.default == "--category"
    assert category.help.startswith(s.CreateSessionRequest.model_fields["task_category"].description)
    assert "quick_fix" in category.help


def test_an_alias_is_the_name_of_the_option() -> None:
    options = options_of(RequestOptions(model=s.StatisticsRequest))

    assert options["from_date"].default == "--from"
    assert options["to_date"].default == "--to"


def test_what_is_not_given_keeps_its_default() -> None:
    request = CREATE.request({"task_description": "Fix typo", "task_category": None, "context": None})

    assert request == s.CreateSessionRequest(task_description="Fix typo")
    assert "task_category" not in request.model_fields_set


def test_context_is_put_together_from_its_options() -> None:
    values = {"task_description": "x", "priority": "high", "context": ["team=payments", "size=3", "a=b=c", "flags=[1]"]}

    request = CREATE.request(values)

    assert isinstance(request, s.CreateSessionRequest)
    assert request.context == {"priority": "high", "team": "payments", "size": 3, "a": "b=c", "flags": [1]}


@pytest.mark.parametrize("fact", ["no sign", "=value", " =value"])
def test_a_fact_without_key_or_value_is_refused(fact: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        CREATE.request({"task_description": "x", "context": [fact]})

    assert refused.value.field == "context"


def test_a_dash_reads_the_text_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("A long\ntask\n"))

    request = CREATE.request({"task_description": "-"})

    assert request == s.CreateSessionRequest(task_description="A long\ntask\n")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"task_description": "  "}, "task_description"),
        ({"task_description": "x" * 20_001}, "task_description"),
        ({"task_description": "half \udcff pair"}, "task_description"),
        ({"task_description": "x", "wait_s": 21.0}, "wait_s"),
    ],
)
def test_a_value_the_model_refuses_names_its_field(values: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        CREATE.request(values)

    assert refused.value.field == field
    assert refused.value.problem
