"""Ids: their form, and that they sort by time within a kind."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegator.schemas import SessionRef, TaskRef
from delegator.sessions.ids import ENTROPY_RANGE, new_session_id, new_task_id

MOMENT = datetime(2025, 11, 12, 14, 30, 22, 999_999, tzinfo=UTC)


def test_an_id_tells_its_kind_and_its_second():
    assert new_session_id(MOMENT, 84329) == "session_20251112_143022_84329"
    assert new_task_id(MOMENT, 84329) == "task_20251112_143022_84329"


def test_an_id_is_made_in_utc():
    assert new_session_id(MOMENT.astimezone(timezone(timedelta(hours=10))), 7) == "session_20251112_143022_00007"


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="zone"):
        new_session_id(datetime(2025, 11, 12), 1)  # noqa: DTZ001 - that is the point


@given(
    st.datetimes(timezones=st.timezones(), min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)),  # noqa: DTZ001 - bounds
    st.integers(),
)
def test_every_id_has_the_same_form_and_is_a_name_of_the_vocabulary(now, entropy):
    session_id, task_id = new_session_id(now, entropy), new_task_id(now, entropy)

    assert re.fullmatch(r"session_\d{8}_\d{6}_\d{5}", session_id)
    assert SessionRef(session_id=session_id).session_id == session_id
    assert TaskRef(task_id=task_id).task_id.removeprefix("task") == session_id.removeprefix("session")


@given(st.integers(0, ENTROPY_RANGE - 1), st.integers(0, ENTROPY_RANGE - 1))
def test_ids_of_one_second_differ_as_their_entropy_does(one, other):
    assert (new_task_id(MOMENT, one) == new_task_id(MOMENT, other)) == (one == other)
