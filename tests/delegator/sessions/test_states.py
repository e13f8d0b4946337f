"""Which status may follow which: the tables are complete, ends are ends, and every path through them is lawful."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from delegator.errors import SessionEnded, TaskFinished, WrongState
from delegator.schemas import SessionStatus, TaskStatus
from delegator.sessions.states import SESSION_TRANSITIONS, TASK_TRANSITIONS, ensure_transition


def test_every_status_has_its_row():
    assert set(SESSION_TRANSITIONS) == set(SessionStatus)
    assert set(TASK_TRANSITIONS) == set(TaskStatus)


def test_the_ends_are_those_the_vocabulary_calls_final():
    assert {status for status, after in TASK_TRANSITIONS.items() if not after} == {s for s in TaskStatus if s.is_final}
    assert {status for status, after in SESSION_TRANSITIONS.items() if not after} == {
        SessionStatus.COMPLETED,
        SessionStatus.FAILED,
    }


def test_an_end_can_be_reached_from_every_open_status():
    for session_status, after in SESSION_TRANSITIONS.items():
        assert not after or {SessionStatus.COMPLETED, SessionStatus.FAILED} <= after, session_status
    for task_status, follows in TASK_TRANSITIONS.items():
        assert not follows or {TaskStatus.CANCELLED, TaskStatus.FAILED} <= follows, task_status


@pytest.mark.parametrize("ended", [SessionStatus.COMPLETED, SessionStatus.FAILED])
@pytest.mark.parametrize("wanted", list(SessionStatus))
def test_an_ended_session_says_that_it_ended(ended, wanted):
    with pytest.raises(SessionEnded) as refused:
        ensure_transition("session_1", ended, wanted)

    assert refused.value.args == ("session_1", ended.value)


@pytest.mark.parametrize("finished", [TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELLED])
@pytest.mark.parametrize("wanted", list(TaskStatus))
def test_a_finished_task_says_that_it_is_finished(finished, wanted):
    with pytest.raises(TaskFinished) as refused:
        ensure_transition("task_1", finished, wanted)

    assert refused.value.args == ("task_1", finished.value)


@pytest.mark.parametrize(
    ("present", "wanted", "told"),
    [
        (SessionStatus.ACTIVE, SessionStatus.STARTING, "session 'it' is active and cannot become starting"),
        (SessionStatus.STARTING, SessionStatus.STARTING, "session 'it' is starting and cannot become starting"),
        (SessionStatus.STARTING, SessionStatus.HIBERNATED, "session 'it' is starting and cannot become hibernated"),
        (TaskStatus.QUEUED, TaskStatus.COMPLETED, "task 'it' is queued and cannot become completed"),
        (TaskStatus.RUNNING, TaskStatus.QUEUED, "task 'it' is running and cannot become queued"),
    ],
)
def test_a_step_that_does_not_follow_is_refused_in_words(present, wanted, told):
    with pytest.raises(WrongState) as refused:
        ensure_transition("it", present, wanted)

    assert type(refused.value) is WrongState
    assert refused.value.message == told


class SessionLife(RuleBasedStateMachine):
    """Asks for any step at any time, and follows those that are allowed."""

    @initialize()
    def begin(self):
        self.status = SessionStatus.STARTING
        self.path = [self.status]

    @rule(wanted=st.sampled_from(SessionStatus))
    def ask_for(self, wanted):
        try:
            ensure_transition("session_1", self.status, wanted)
        except SessionEnded:
            assert self.status in (SessionStatus.COMPLETED, SessionStatus.FAILED)
        except WrongState:
            assert wanted not in SESSION_TRANSITIONS[self.status]
        else:
            self.status = wanted
            self.path.append(wanted)

    @invariant()
    def it_ends_at_most_once(self):
        ends = [status for status in self.path if not SESSION_TRANSITIONS[status]]
        assert ends == [] or (len(ends) == 1 and self.path[-1] == ends[0])

    @invariant()
    def it_was_never_active_without_starting_before(self):
        before_active = [self.path[i - 1] for i, status in enumerate(self.path) if status is SessionStatus.ACTIVE]
        assert set(before_active) <= {SessionStatus.STARTING}


class TaskLife(RuleBasedStateMachine):
    """The same for a task."""

    @initialize()
    def begin(self):
        self.status = TaskStatus.QUEUED
        self.path = [self.status]

    @rule(wanted=st.sampled_from(TaskStatus))
    def ask_for(self, wanted):
        try:
            ensure_transition("task_1", self.status, wanted)
        except TaskFinished:
            assert self.status.is_final
        except WrongState:
            assert wanted not in TASK_TRANSITIONS[self.status]
        else:
            self.status = wanted
            self.path.append(wanted)

    @invariant()
    def it_finishes_at_most_once(self):
        ends = [status for status in self.path if status.is_final]
        assert ends == [] or (len(ends) == 1 and self.path[-1] == ends[0])

    @invariant()
    def it_completes_only_out_of_work(self):
        if self.path[-1] is TaskStatus.COMPLETED:
            assert self.path[-2] is TaskStatus.RUNNING


TestSessionLife = SessionLife.TestCase
TestTaskLife = TaskLife.TestCase
