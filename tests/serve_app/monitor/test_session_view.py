"""The view *Session*, made from replies."""

from datetime import UTC, datetime, timedelta

import pytest

from delegator import schemas as s
from serve_app.monitor.session_timeline import timeline_of
from serve_app.monitor.session_view import SessionPage, SessionReplies, session_page, shown_tasks
from serve_app.monitor.wording import initials
from tests.browser.scene import Scene
from tests.browser.talk import receipt, session_view

AT = datetime(2026, 1, 2, 14, 30, 0, tzinfo=UTC)


@pytest.fixture
def scene() -> Scene:
    return Scene(now=AT)


def page_of(scene: Scene, session_id: str) -> SessionPage:
    return session_page(
        SessionReplies(
            at=AT + timedelta(seconds=60),
            session=session_view(scene, session_id),
            tasks=[task for task in scene.tasks.values() if task.session_id == session_id],
            events=[event for event in scene.log if event.session_id == session_id],
            receipt=receipt(scene, session_id),
            roles=scene.answers["list_roles"](s.NoInput()),
        ),
        scale=10,
    )


def test_an_open_session_shows_who_speaks_and_what_can_be_done(scene):
    session = scene.open_session(0, running_s=323)
    scene.speak(scene.delegate(session), "product_manager", "Hello,\n  all.")
    page = page_of(scene, session.session_id)

    assert (page.is_open, page.running_s, page.ended_on) == (True, 323.0, "")
    assert [(member.label, member.state) for member in page.team] == [
        ("Product Manager", ""),
        ("Senior Developer", "speaking"),
        ("Test Lead", ""),
    ]
    (task,) = page.tasks
    assert task.speaking == "Senior Developer is speaking"
    assert (task.done, task.total, task.turns[0].text) == (1, 3, "Hello,\n  all.")
    assert [control.operation for control in task.controls] == ["cancel_task"]
    assert [control.operation for control in page.controls] == [
        "add_agent_to_session",
        "remove_agent_from_session",
        "end_session",
    ]
    added = page.controls[0].questions[0]
    assert "test_lead" not in [option.value for option in added.options]
    assert len(added.options) == 6


def test_a_session_that_asks_can_be_answered(scene):
    session = scene.ask(1, running_s=10, question="Mend or build?")
    option = s.QuestionOption(
        answer=s.TaskType.BUG_FIX, meaning="It is broken.", recommended_agents=["test_lead"], probability=0.5
    )
    question = s.Question(question="Mend or build?", options=[option])
    view = session_view(scene, session.session_id).model_copy(update={"question": question})
    replies = SessionReplies(AT, view, [], [], None, scene.answers["list_roles"](s.NoInput()))
    answer, *others = session_page(replies).controls

    assert (answer.operation, answer.about) == ("answer_question", "Mend or build?")
    assert answer.request == {"session_id": session.session_id, "wait_s": 0}
    first, *rest = answer.questions[0].options
    assert (first.value, first.text) == ("bug_fix", "bug fix: It is broken.")
    assert {option.value for option in rest} == {kind.value for kind in s.TaskType} - {"bug_fix"}
    assert [control.operation for control in others] == ["end_session"]


def test_a_role_has_the_same_letters_wherever_it_stands(scene):
    """Three chiefs of one letter would be one and the same person in a conversation."""
    session = scene.open_session(2, running_s=10)
    task = scene.speak(scene.delegate(session), "ceo", "Well.")
    scene.speak(task, "cto", "Well.")

    said = [turn.initials for turn in page_of(scene, session.session_id).tasks[0].turns]
    assert said[:2] == [initials("CEO"), initials("CTO")] == ["CEO", "CTO"]


def test_a_past_session_offers_nothing_and_counts_no_more(scene):
    scene.remember(1, per_day=1)
    page = page_of(scene, scene.past[0].session_id)

    assert (page.is_open, page.controls, page.running_s) == (False, (), 42.0)
    assert (page.ended_on, page.end_reason) == ("2026-01-02 06:02:53", "ended by its caller")


def test_changes_of_the_team_are_told_with_their_reasons(scene):
    session = scene.open_session(0, running_s=10)
    sid = session.session_id
    scene.happen(s.EventKind.AGENT_SPAWNED, sid, role="test_lead", model="m", data={"reason": "to test"})
    scene.happen(s.EventKind.TURN_STARTED, sid, role="test_lead")
    scene.happen(s.EventKind.AGENT_TERMINATED, sid, role="test_lead", data={"reason": "<b>done</b>"})

    assert [(change.what, change.why) for change in page_of(scene, sid).changes] == [
        ("Test Lead left", "<b>done</b>"),
        ("Test Lead joined with m", "to test"),
    ]


def test_an_answer_that_the_last_turn_has_said_is_not_said_twice(scene):
    session = scene.open_session(0, running_s=10)
    task = scene.speak(scene.delegate(session), "test_lead", "Done.")
    ended = {"status": s.TaskStatus.COMPLETED, "current_role": None}
    scene.tasks[task.task_id] = task.model_copy(update={**ended, "answer": "Done."})
    assert page_of(scene, session.session_id).tasks[0].answer == ""

    scene.tasks[task.task_id] = task.model_copy(update={**ended, "answer": "All in all: done."})
    assert page_of(scene, session.session_id).tasks[0].answer == "All in all: done."


def test_the_receipt_is_drawn_against_all_roles(scene):
    session = scene.open_session(1, running_s=10)
    account = page_of(scene, session.session_id).account

    assert account is not None
    assert (account.final, account.everyone) == (False, "all 9 roles")
    memory = account.compared[0]
    assert memory.everyone_share == 1.0
    assert memory.used_share == pytest.approx(8 / 70)


def test_only_the_latest_tasks_are_shown():
    summaries = [
        s.TaskSummary(
            task_id=f"t{n}", status=s.TaskStatus.COMPLETED, task="x", created_at=AT + timedelta(seconds=n), ended_at=AT
        )
        for n in range(30)
    ]

    assert [task.task_id for task in shown_tasks(summaries[::-1])] == [f"t{n}" for n in range(10, 30)]


class TestTimeline:
    def event(self, n: int, kind: s.EventKind, at_s: float, turn: int = 0, role: str = "test_lead") -> s.Event:
        data = {"task_id": "t", "turn": turn}
        at = AT + timedelta(seconds=at_s)
        return s.Event(event_id=n, at=at, kind=kind, session_id="s", role=role, data=data)

    def view(self, scene: Scene) -> s.SessionView:
        session = scene.open_session(0, running_s=1)
        return session_view(scene, session.session_id).model_copy(update={"created_at": AT})

    def test_a_turn_stands_where_it_was_and_one_that_runs_reaches_to_now(self, scene):
        events = [
            self.event(1, s.EventKind.TURN_STARTED, 10),
            self.event(2, s.EventKind.TURN_COMPLETED, 30),
            self.event(3, s.EventKind.TURN_STARTED, 50, 1, "ceo"),
        ]
        labels = {"test_lead": "Test Lead", "ceo": "CEO"}
        timeline = timeline_of(self.view(scene), events, labels, now=AT + timedelta(seconds=100))

        assert [lane.label for lane in timeline.lanes] == ["Test Lead", "CEO"]
        first, second = (lane.bars[0] for lane in timeline.lanes)
        assert [first.begin, first.width] == pytest.approx([0.1, 0.2])
        assert first.running is False
        assert [second.begin, second.width] == pytest.approx([0.5, 0.5])
        assert second.running is True

    def test_a_turn_that_was_taken_again_is_one_and_a_failed_task_ends_its_turn(self, scene):
        events = [
            self.event(1, s.EventKind.TURN_STARTED, 10),
            self.event(2, s.EventKind.TURN_STARTED, 20),
            self.event(3, s.EventKind.TASK_FAILED, 60),
        ]
        timeline = timeline_of(self.view(scene), events, {}, now=AT + timedelta(seconds=100))

        (bar,) = timeline.lanes[0].bars
        assert [bar.begin, bar.width] == pytest.approx([0.1, 0.5])
        assert bar.running is False
