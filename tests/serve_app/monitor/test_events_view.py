"""The view *Events*, made from replies."""

from datetime import UTC, datetime

import pytest

from actors.by_hand import BY_HAND
from delegator import schemas as s
from serve_app.monitor.choices import events_choice
from serve_app.monitor.events_view import EventRow, EventsView, concerns, events_view
from tests.browser.scene import Scene

AT = datetime(2026, 1, 2, 14, 30, 0, tzinfo=UTC)


@pytest.fixture
def scene() -> Scene:
    return Scene(now=AT)


def view_of(scene: Scene, **asked: object) -> EventsView:
    choice = events_choice(asked)
    return events_view(choice, scene.answers["list_events"](choice.request), scene.answers["list_roles"](s.NoInput()))


def test_the_newest_event_is_the_first_and_its_facts_are_words(scene):
    scene.happen(s.EventKind.SESSION_CREATED, "s1")
    scene.happen(
        s.EventKind.TURN_RETRIED,
        "s1",
        role="test_lead",
        model="m",
        data={"turn": 2, "because": "it\nbroke", "none": None, "models": ["a", "b"]},
    )
    view = view_of(scene)

    assert view.rows[0] == EventRow(
        event_id=2,
        at="14:30:01",
        on="2026-01-02 14:30:01",
        kind="turn_retried",
        kind_words="turn retried",
        tone="odd",
        session_id="s1",
        role="Test Lead",
        model="m",
        by="",
        facts=(("turn", "2"), ("because", "it broke"), ("models", "a, b")),
    )
    assert [row.event_id for row in view.rows] == [2, 1]
    assert not view.more


@pytest.mark.parametrize(
    ("holder", "session_id", "told"),
    [
        (BY_HAND, "", (("", "by hand"),)),
        ("aside_0123456789abcdef", "", (("", "for a second opinion"),)),
        ("session_20260102_143000_84329", "session_20260102_143000_84329", ()),
    ],
)
def test_what_no_session_holds_is_told_so_and_links_to_none(scene, holder, session_id, told):
    scene.happen(s.EventKind.MODEL_HELD, holder, model="m", data={"measured": True})
    (row,) = view_of(scene).rows

    assert (row.session_id, row.facts) == (session_id, (*told, ("", "measured")))


def test_a_group_stands_for_its_kinds(scene):
    for kind in (s.EventKind.MODEL_LOADED, s.EventKind.TURN_STARTED, s.EventKind.PREFETCH_USED):
        scene.happen(kind)

    assert [row.kind for row in view_of(scene, kind="models").rows] == ["prefetch_used", "model_loaded"]
    assert [row.kind for row in view_of(scene, kind="turn_started").rows] == ["turn_started"]


def test_no_more_than_some_hundred_rows_are_read(scene):
    assert events_choice({"rows": "900"}).request.limit == 500


@pytest.mark.parametrize(
    ("asked", "concerned"),
    [
        ({}, True),
        ({"session": "s1"}, True),
        ({"session": "s2"}, False),
        ({"role": "test_lead", "kind": "tasks"}, True),
        ({"role": "ceo"}, False),
        ({"kind": "models"}, False),
        ({"before": 5}, False),
    ],
)
def test_only_events_that_fit_wake_a_page(scene, asked, concerned):
    event = scene.happen(s.EventKind.TURN_STARTED, "s1", role="test_lead")

    assert concerns(events_choice(asked), event) is concerned
