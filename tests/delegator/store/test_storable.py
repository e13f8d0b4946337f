from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegator.schemas import TaskStatus
from delegator.store.storable import storable, storable_text, to_json
from delegator.store.store import Store
from tests.delegator.store.make import NOON, a_message, a_session, a_task, an_agent, an_event, later

any_text = st.text(st.characters(exclude_categories=()), max_size=50)
any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | any_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(any_text, inner, max_size=4),
    max_leaves=20,
)

HOSTILE = [
    "nul \x00 inside",
    "half \ud83d of a pair",
    "'; DROP TABLE delegator_sessions; --",
    ":rows %(rows)s %s $1 {} {{ }}",
    "\\u0000 \\ \" ' ` \x01\x1f\x7f",
    "emoji 👩‍🚀 right-to-left \u202e combining e\u0301 line\u2028break",
    "x" * 1_000_000,
]


@given(any_text)
def test_storable_text_is_utf_8_without_nul_and_changes_nothing_else(text: str) -> None:
    stored = storable_text(text)

    assert "\x00" not in stored
    stored.encode("utf-8")
    assert all(new in (old, "\ufffd") for old, new in zip(text, stored, strict=True))


@given(any_json)
def test_any_value_becomes_strict_json(value: Any) -> None:
    text = to_json(value)

    assert "\\u0000" not in json.dumps(json.loads(text, parse_constant=pytest.fail))


def test_values_beyond_json_become_their_usual_text() -> None:
    identity = UUID(int=1)
    value = {"at": datetime(2025, 1, 2, tzinfo=UTC), "of": (TaskStatus.FAILED, identity), 3: float("nan")}

    assert storable(value) == {"at": "2025-01-02T00:00:00+00:00", "of": ["failed", str(identity)], "3": None}


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
async def test_hostile_text_is_stored_as_text(store: Store, text: str) -> None:
    """Whatever a model or a caller writes, the turn is stored, and nothing else happens."""
    data = {"text": text, text[:100]: [text[:100]]}
    session = a_session(task_description=text, context=data, analysis=data, notes=(text,), active_agents=())
    agent = an_agent(reason=text, spawned_at=NOON)
    await store.create_session(session, [agent], [an_event(data=data)])
    await store.create_task(a_task(text=text), [])
    await store.add_turn(a_message(text=text), [an_event(data=data)])
    await store.finish_task("task_1", TaskStatus.FAILED, later(1), text, {"message": text}, [])

    safe, safe_data = storable_text(text), storable(data)
    assert await store.session("session_1") == replace(
        session,
        task_description=safe,
        context=safe_data,
        analysis=safe_data,
        notes=(safe,),
        total_agents_spawned=1,
        tasks_delegated=1,
    )
    assert await store.open_agents() == [replace(agent, reason=safe)]
    assert [message.text for message in await store.messages_of("task_1")] == [safe]
    assert [event.data for event in await store.events_after(0, None, 10)] == [safe_data, safe_data]
    task = await store.task("task_1")
    assert task is not None
    assert (task.text, task.answer, task.error) == (safe, safe, {"message": safe})
