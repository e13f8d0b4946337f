"""The public vocabulary: what it takes, what it refuses, how figures look, and that its JSON schemas can be made."""

import inspect
import json
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from delegator import schemas
from delegator.schemas import (
    MAX_CONTEXT_BYTES,
    MAX_CONTEXT_DEPTH,
    MAX_TEXT_CHARS,
    AddAgentRequest,
    AnalyzeTaskRequest,
    Context,
    CreateSessionRequest,
    DelegateTaskRequest,
    Event,
    EventKind,
    Gigabytes,
    ListEventsRequest,
    Moment,
    NoInput,
    PlanSessionRequest,
    Ratio,
    Reply,
    Request,
    Rung,
    Seconds,
    SendMessageReply,
    SendMessageRequest,
    SessionHistoryRequest,
    SessionRef,
    SessionStatus,
    StatisticsRequest,
    TaskContext,
    TaskStatus,
)
from delegator.wording import problem_of


def models_of(base: type) -> list[type]:
    """Return every model of the vocabulary below `base`."""
    return [
        cls
        for cls in vars(schemas).values()
        if isinstance(cls, type) and issubclass(cls, base) and cls is not base and cls.__module__ == schemas.__name__
    ]


def nested(depth: int) -> dict[str, Any]:
    inner: dict[str, Any] = {}
    for _ in range(depth - 1):
        inner = {"in": inner}
    return inner


every_request = pytest.mark.parametrize("model", models_of(Request), ids=lambda model: model.__name__)
every_model = pytest.mark.parametrize("model", models_of(Request) + models_of(Reply), ids=lambda model: model.__name__)


# ── every model ───────────────────────────────────────────────────────────────────────────────────────────────────


@every_model
def test_a_json_schema_can_be_made_of_every_model_both_ways(model):
    for mode in ("validation", "serialization"):
        schema = model.model_json_schema(mode=mode)

        assert schema["type"] == "object"
        assert json.loads(json.dumps(schema)) == schema


@every_model
def test_every_model_says_what_it_is(model):
    assert inspect.getdoc(model)
    assert "__doc__" in vars(model)


@every_model
def test_no_model_can_be_changed(model):
    assert model.model_config["frozen"] is True


@pytest.mark.parametrize("model", [model for model in models_of(Request) if model is not TaskContext])
def test_a_request_refuses_a_field_it_does_not_know(model):
    with pytest.raises(ValidationError) as refused:
        model.model_validate({"no_such_field": 1})

    assert ("no_such_field",) in [error["loc"] for error in refused.value.errors()]


@every_request
@pytest.mark.parametrize("body", [None, 5, "text", [], True])
def test_a_request_is_an_object_and_nothing_else(model, body):
    with pytest.raises(ValidationError):
        model.model_validate(body)


@every_request
def test_no_number_of_a_request_may_be_true_or_false(model):
    """A boolean would pass for 1 or 0: each numeric field must refuse it."""
    for name, field in model.model_fields.items():
        if field.annotation in (int, float):
            with pytest.raises(ValidationError) as refused:
                model.model_validate({name: True})
            assert (name,) in [error["loc"] for error in refused.value.errors()]


def test_a_refusal_does_not_repeat_what_was_given():
    with pytest.raises(ValidationError) as refused:
        CreateSessionRequest.model_validate({"task_description": "secret" * MAX_TEXT_CHARS})

    assert "secret" not in str(refused.value)


# ── texts and names ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text",
    ["", " \n\t ", "\u3000", "a\x00b", "\ud800", "x" * (MAX_TEXT_CHARS + 1), "x" * 2**20, 5, None, ["x"], {}],
    ids=lambda value: repr(value)[:12],
)
def test_a_task_that_is_no_text_is_refused_everywhere(text):
    for model, field in ((CreateSessionRequest, "task_description"), (AnalyzeTaskRequest, "task_description")):
        with pytest.raises(ValidationError):
            model.model_validate({field: text})
    with pytest.raises(ValidationError):
        SendMessageRequest.model_validate({"session_id": "s", "to": "ceo", "text": text})


@pytest.mark.parametrize("text", ["x", "  x  ", "日本語のタスク", "🚀", "line\nline\r\n", "x" * MAX_TEXT_CHARS])
def test_a_text_is_kept_as_it_was_given(text):
    assert CreateSessionRequest(task_description=text).task_description == text


@pytest.mark.parametrize("name", ["", "two words", "tab\t", "line\n", "é", "x" * 101, "\x00", "\ud800", 5, None, True])
def test_a_name_is_printable_ascii_without_blanks(name):
    with pytest.raises(ValidationError):
        SessionRef(session_id=name)


@pytest.mark.parametrize("reason", ["\x00", "\udfff", "x" * 2_001, 5, None])
def test_a_reason_is_short_text(reason):
    with pytest.raises(ValidationError):
        AddAgentRequest(session_id="s", agent_role="ceo", reason=reason)


def test_a_delegated_task_may_be_left_out_but_not_empty():
    assert DelegateTaskRequest(session_id="s").task is None
    with pytest.raises(ValidationError):
        DelegateTaskRequest(session_id="s", task="")


# ── context ───────────────────────────────────────────────────────────────────────────────────────────────────────

takes_context: TypeAdapter[dict[str, Any]] = TypeAdapter(Context)


@pytest.mark.parametrize(
    ("context", "told"),
    [
        ({"priority": 5}, "priority is not one of low"),
        ({"priority": True}, "priority is not one of low"),
        ({"priority": "immediately"}, "priority is not one of low"),
        ({"priority": ["high"]}, "priority is not one of low"),
        ({"deadline": 20251201}, "deadline is not text"),
        ({"deadline": {"day": 1}}, "deadline is not text"),
        ({"deadline": "x" * 2_001}, "deadline is longer than 2000 characters"),
        ({"existing_code": ["a.py"]}, "existing_code is not text"),
        ({"a": float("nan")}, "JSON cannot say"),
        ({"a": [float("inf")]}, "JSON cannot say"),
        ({"a": object()}, "JSON cannot say"),
        ({"a": {1, 2}}, "JSON cannot say"),
        ({"a": b"bytes"}, "JSON cannot say"),
        ({"a": datetime(2025, 1, 1, tzinfo=UTC)}, "JSON cannot say"),
        ({"a": {(1, 2): 3}}, "JSON cannot say"),
        ({"a": "\x00"}, "NUL"),
        ({"a\x00": 1}, "NUL"),
        ({"a": {"b": ["\\\x00"]}}, "NUL"),
        ({"a": "\ud800"}, "surrogate"),
        ({"\udfff": 1}, "surrogate"),
        ({"a": "x" * MAX_CONTEXT_BYTES}, "bytes of JSON"),
        ({"a": "é" * (MAX_CONTEXT_BYTES // 2)}, "bytes of JSON"),
        (nested(MAX_CONTEXT_DEPTH + 1), "levels deep"),
        (nested(5_000), "levels deep"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_context_that_cannot_be_kept_or_understood_is_refused(context, told):
    with pytest.raises(ValidationError) as refused:
        takes_context.validate_python(context)

    assert told in str(refused.value)


@pytest.mark.parametrize("context", ["text", 5, [], True, None, {5: "x"}])
def test_a_context_is_an_object_with_names_for_keys(context):
    with pytest.raises(ValidationError):
        CreateSessionRequest.model_validate({"task_description": "x", "context": context})


@pytest.mark.parametrize(
    "context",
    [
        {},
        {"priority": None, "deadline": None},
        {"priority": "high", "deadline": "2025-12-01", "existing_code": "apps/auth/"},
        {"team": ["a", {"b": 1.5}], "budget": 10**12, "flag": True, "nothing": None},
        {"text": "the six characters \\u0000 are no NUL", "path": "C:\\users\\"},
        nested(MAX_CONTEXT_DEPTH),
    ],
)
def test_a_context_is_kept_as_it_was_given(context):
    assert takes_context.validate_python(context) == context


def test_a_priority_may_be_written_in_capitals():
    assert takes_context.validate_python({"priority": " High "}) == {"priority": "high"}


def test_the_schema_of_a_context_names_the_keys_that_decide_something():
    schema = CreateSessionRequest.model_json_schema()["properties"]["context"]

    assert {"priority", "deadline", "existing_code"} <= set(schema["properties"])
    assert schema["additionalProperties"] is True


@given(
    st.dictionaries(
        st.text(max_size=8),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
            max_leaves=8,
        ),
        max_size=4,
    )
)
def test_whatever_context_is_taken_comes_back_from_json_unchanged(context):
    try:
        taken = takes_context.validate_python(context)
    except ValidationError:
        return

    assert json.loads(json.dumps(taken, allow_nan=False)) == taken
    assert "\x00" not in str(taken)
    str(taken).encode("utf-8")


# ── numbers and days ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("wait_s", [-0.1, 20.1, float("nan"), float("inf"), True, "soon", None, [1]])
def test_a_wait_is_a_number_up_to_20(wait_s):
    with pytest.raises(ValidationError):
        CreateSessionRequest(task_description="x", wait_s=wait_s)


@pytest.mark.parametrize("value", [-1, 2**62 + 1, True, 1.5, "x", None])
def test_an_event_id_is_a_whole_number_the_database_knows(value):
    with pytest.raises(ValidationError):
        ListEventsRequest(after=value)


@pytest.mark.parametrize("page", [0, -1, 10**7, True, 1.5, None])
def test_a_page_is_a_whole_number_from_1(page):
    with pytest.raises(ValidationError):
        SessionHistoryRequest(page=page)


@pytest.mark.parametrize(
    "day",
    [0, 1.5, True, "", "today", "2025-13-01", "2025-02-30", "2025-1-1", "2025-11-12T10:00", "1969-12-31", "9999-12-31"],
)
def test_a_day_is_written_year_month_day(day):
    with pytest.raises(ValidationError):
        SessionHistoryRequest(date=day)


def test_a_day_is_read_as_a_date():
    assert SessionHistoryRequest.model_validate({"date": "2025-11-12"}).date == date(2025, 11, 12)


@pytest.mark.parametrize("days", [{"to": "2025-11-12"}, {"from": "2025-11-12", "to": "2025-11-11"}])
def test_a_range_of_days_begins_before_it_ends(days):
    with pytest.raises(ValidationError, match="'to' needs a 'from' that is not later"):
        StatisticsRequest.model_validate(days)


def test_statistics_are_of_ten_years_at_most():
    days = {"from": "2016-01-01", "to": "2026-01-07"}

    assert StatisticsRequest.model_validate(days).to_date == date(2026, 1, 7)
    with pytest.raises(ValidationError, match="the range has 3661 days; at most 3660 are summed up"):
        StatisticsRequest.model_validate(days | {"to": "2026-01-08"})


@pytest.mark.parametrize(
    ("span", "problem"),
    [
        ({"date": "2025-11-12", "from": "2025-11-12"}, "give one of them"),
        ({"to": "2025-11-12"}, "needs a 'from'"),
        ({"from": "2025-11-12", "to": "2025-11-11"}, "not later"),
    ],
)
def test_the_history_is_of_a_day_or_of_a_range(span, problem):
    with pytest.raises(ValidationError, match=problem):
        SessionHistoryRequest.model_validate(span)


def test_kinds_of_events_may_be_written_as_words():
    listed = ListEventsRequest.model_validate({"kinds": ["model_loaded", "turn_started"]})

    assert ListEventsRequest.model_validate({"kinds": "model_loaded, turn_started"}) == listed
    with pytest.raises(ValidationError):
        ListEventsRequest.model_validate({"kinds": "model_loaded, party"})


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        (Gigabytes, 9.149, 9.1),
        (Gigabytes, 0.04, 0.0),
        (Gigabytes, 48, 48.0),
        (Seconds, 1.23456, 1.23),
        (Ratio, 0.123456, 0.1235),
        (Ratio, -0.5, -0.5),
    ],
)
def test_figures_are_rounded_where_they_leave(kind, value, shown):
    adapter: TypeAdapter[Any] = TypeAdapter(kind)

    assert adapter.dump_python(adapter.validate_python(value)) == shown


@pytest.mark.parametrize("kind", [Gigabytes, Seconds, Ratio])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_figure_is_a_number_that_json_has(kind, value):
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(value)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (datetime(2025, 11, 12, 14, 30, 22, tzinfo=UTC), "2025-11-12T14:30:22Z"),
        (datetime(2025, 11, 12, 15, 30, 22, tzinfo=timezone(timedelta(hours=1))), "2025-11-12T14:30:22Z"),
        (datetime(2025, 11, 12, 14, 30, 22), "2025-11-12T14:30:22Z"),  # noqa: DTZ001 - a driver without zones means UTC
    ],
)
def test_times_leave_in_utc(given, shown):
    adapter: TypeAdapter[datetime] = TypeAdapter(Moment)

    assert adapter.dump_python(adapter.validate_python(given)) == shown


# ── words ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_from_and_to_are_words_of_the_wire():
    sent = SendMessageRequest.model_validate({"session_id": "s", "from": "cto", "to": "ceo", "text": "Hello"})

    assert (sent.from_role, sent.to_role) == ("cto", "ceo")
    assert sent.model_dump(mode="json") == {
        "session_id": "s",
        "from": "cto",
        "to": "ceo",
        "text": "Hello",
        "wait_s": 15.0,
    }
    assert SendMessageRequest(session_id="s", to_role="ceo", text="Hello").from_role == "user"
    assert {"from", "to"} <= set(SendMessageReply.model_json_schema()["properties"])


def test_an_event_comes_back_from_json_unchanged():
    event = Event(
        event_id=7, at=datetime(2025, 11, 12, tzinfo=UTC), kind=EventKind.MODEL_HELD, session_id="s", data={"bytes": 5}
    )

    assert Event.model_validate_json(event.model_dump_json()) == event


def test_open_and_final_are_told_of_every_status():
    assert [status for status in SessionStatus if status.is_open] == [SessionStatus.STARTING, SessionStatus.ACTIVE]
    assert [status for status in TaskStatus if status.is_final] == [
        TaskStatus.COMPLETED,
        TaskStatus.FAILED,
        TaskStatus.CANCELLED,
    ]


def test_an_operation_without_input_takes_an_empty_object():
    assert NoInput.model_validate({}) == NoInput()


# ── plans and ladders ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("fields", [{}, {"task_description": None}, {"accept_changes": True}])
def test_a_session_wants_a_task_or_a_plan(fields):
    with pytest.raises(ValidationError) as refused:
        CreateSessionRequest.model_validate(fields)

    assert [(error["type"], error["loc"]) for error in refused.value.errors()] == [("missing", ("task_description",))]


def test_with_a_plan_the_task_may_be_left_out():
    assert CreateSessionRequest(plan_id="plan_1").task_description is None


def test_callers_are_shown_the_task_as_the_first_field_and_as_one_to_be_given():
    schema = CreateSessionRequest.model_json_schema()

    assert next(iter(schema["properties"])) == "task_description"
    assert schema["properties"]["task_description"]["type"] == "string"
    assert schema["required"] == ["task_description"]


@pytest.mark.parametrize("given", ["smaller, wait", ["smaller", "wait"], ("smaller", "wait")])
def test_a_ladder_keeps_the_order_in_which_it_was_given(given):
    request = CreateSessionRequest.model_validate({"task_description": "x", "degradation": given})

    assert request.degradation == (Rung.SMALLER, Rung.WAIT)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("wait,hope", "is not one of wait, evict_idle, smaller, merge, refuse"),
        (["wait", "wait"], "names 'wait' twice"),
        (["refuse", "wait"], "goes on after 'refuse', which is the end"),
        (5, "is not a list"),
    ],
)
def test_a_wrong_ladder_is_told_what_is_wrong(given, problem):
    with pytest.raises(ValidationError) as refused:
        PlanSessionRequest.model_validate({"task_description": "x", "degradation": given})

    (error,) = refused.value.errors()
    assert error["loc"][0] == "degradation"
    assert problem_of(error) == problem
