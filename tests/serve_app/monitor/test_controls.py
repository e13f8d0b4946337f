"""What a page may do, how it is asked for, and what is told afterwards."""

import pytest

from delegator import schemas as s
from delegator.errors import SessionNotFound
from serve_app.monitor import actions, controls
from serve_app.monitor.controls import Outcome, control, use
from serve_app.operations import BY_NAME
from tests.serve_app.samples import REPLIES, CannedBackend


@pytest.fixture
def backend() -> CannedBackend:
    return CannedBackend()


async def test_a_control_does_what_its_operation_does(backend):
    outcome = await use(backend, "k", {"operation": "end_session", "request": {"session_id": "s1"}})

    assert outcome == Outcome("k", True, "The session has ended; 8.0 GB given back.")
    assert backend.asked == [("end_session", s.OptionalSessionRef(session_id="s1"))]


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"operation": "reset_analysis"},
        {"operation": "create_session", "request": {"task_description": "x"}},
        {"operation": "__init__"},
        {"operation": ["end_session"]},
        {"operation": "hibernate_session", "request": {}},
    ],
)
async def test_nothing_else_can_be_asked_for(backend, asked):
    outcome = await use(backend, "k", asked)

    assert (outcome.done, outcome.code) == (False, "invalid_input")
    assert backend.asked == []


@pytest.mark.parametrize("request_", [{"sesion_id": "s1"}, "s1", {"session_id": 5}])
async def test_a_wrong_request_is_refused(backend, request_):
    outcome = await use(backend, "k", {"operation": "end_session", "request": request_})

    assert (outcome.done, outcome.code) == (False, "invalid_input")
    assert backend.asked == []


async def test_an_error_is_told_with_its_hint(backend):
    error = SessionNotFound("s1")
    backend.answers["end_session"] = error
    outcome = await use(backend, "k", {"operation": "end_session", "request": {"session_id": "s1"}})

    assert outcome == Outcome("k", False, error.message, error.advice, "session_not_found")


async def test_a_bug_is_told_as_an_incident_and_not_with_its_words(backend):
    backend.answers["end_session"] = RuntimeError("secret")
    outcome = await use(backend, "k", {"operation": "end_session", "request": {"session_id": "s1"}})

    assert outcome.code == "internal_error"
    assert "secret" not in outcome.message


def test_a_control_without_an_operation_has_no_button():
    assert control("run_drill", label="", title="", says="") == ()
    assert actions.drill() == ()


def test_what_cannot_be_taken_back_is_marked():
    (end,) = actions.end_session("s1", "Fix it\nnow")

    assert end.destructive
    assert (end.request, end.about) == ({"session_id": "s1"}, "Fix it now")
    assert not actions.cleanup()[0].destructive or BY_NAME["cleanup_orphaned_agents"].destructive


@pytest.mark.parametrize("name", sorted(controls.ALLOWED & REPLIES.keys()))
def test_every_control_says_what_it_did(name):
    said = controls.done_in_words(name, REPLIES[name])

    assert said.endswith(".")
    assert "\n" not in said


def test_a_request_of_a_control_fits_its_operation():
    roles = [("ceo", "CEO")]
    option = s.QuestionOption(answer=s.TaskType.HR, meaning="People.", recommended_agents=["chro"], probability=0.5)
    made = (
        *actions.answer_question("s", s.Question(question="What is it?", options=[option])),
        *actions.end_session("s", "t"),
        *actions.cancel_task("t", "t"),
        *actions.add_agent("s", roles),
        *actions.remove_agent("s", roles),
        *actions.restart_agent("ceo", "CEO"),
        *actions.cleanup(),
    )
    for each in made:
        answers = {question.name: question.options[0].value if question.options else "x" for question in each.questions}

        BY_NAME[each.operation].request.model_validate({**each.request, **answers})  # raises where it does not
    assert len(made) == 7
