"""The conversation of a task: which turn is under way, and how it is drawn."""

from datetime import UTC, datetime

import pytest

from delegator import schemas as s
from serve_app.monitor.session_turns import Turn, turn_under_way, turns_of
from serve_app.monitor.speech import UnderWay
from tests.browser.scene import Scene

AT = datetime(2026, 1, 2, 14, 30, 0, tzinfo=UTC)
ROLE, MODEL = "product_manager", "llama3.1:8b"


@pytest.fixture
def scene() -> Scene:
    return Scene(now=AT)


@pytest.fixture
def task(scene: Scene) -> s.TaskView:
    return scene.delegate(scene.open_session(0, running_s=5))


def under_way(scene: Scene, task: s.TaskView, **changed: object) -> UnderWay | None:
    return turn_under_way(scene.tasks[task.task_id].model_copy(update=changed), scene.log)


def test_a_turn_is_under_way_from_its_beginning_until_it_is_stored(scene, task):
    assert under_way(scene, task) is None

    turn_id = scene.begin(task, ROLE)
    assert under_way(scene, task) == UnderWay(turn_id, ROLE, MODEL, 1, scene.log[-1].event_id)

    scene.store(task, ROLE, "Hello.")
    assert under_way(scene, task) is None

    second = scene.begin(task, "test_lead")
    found = under_way(scene, task)
    assert found is not None
    assert (found.turn_id, found.role) == (second, "test_lead")
    assert second != turn_id


def test_a_turn_that_is_taken_again_is_another(scene, task):
    scene.begin(task, ROLE)
    first = under_way(scene, task)
    scene.begin(task, ROLE, attempt=2)
    again = under_way(scene, task)

    assert first is not None
    assert again is not None
    assert (again.turn_id, again.attempt) == (first.turn_id, 2)
    assert again.begun > first.begun


@pytest.mark.parametrize("changed", [{"waiting_for": MODEL}, {"status": s.TaskStatus.CANCELLED}])
def test_nobody_speaks_who_waits_for_a_model_or_whose_task_has_ended(scene, task, changed):
    scene.begin(task, ROLE)

    assert under_way(scene, task, **changed) is None


def test_turns_of_other_tasks_do_not_count(scene, task):
    scene.begin(scene.delegate(scene.sessions[0]), ROLE)

    assert under_way(scene, task) is None


def test_a_turn_keeps_its_key_when_it_is_stored(scene, task):
    scene.begin(task, ROLE, attempt=2)
    running = turns_of(scene.tasks[task.task_id], under_way(scene, task), {ROLE: "Product Manager"})
    stored = turns_of(scene.store(task, ROLE, "Hello."), None, {ROLE: "Product Manager"})

    key = f"{task.task_id}:0"
    assert running == (
        Turn(key, "Product Manager", "PM", "", MODEL, text="", figures="speaking, attempt 2", under_way=True),
    )
    assert stored == (
        Turn(key, "Product Manager", "PM", "answer", MODEL, "Hello.", figures="50 tokens, 2s", under_way=False),
    )
