"""What counts as a swap: a model that left to make room for one that this session loaded."""

from datetime import UTC, datetime

import pytest

from delegator.schemas import Event, EventKind
from delegator.sessions.swaps import count_swaps

NOW = datetime(2025, 11, 12, tzinfo=UTC)


def log(*lines):
    """Return events from 'released small' and the like; a list after the model is what was evicted for it."""
    events = []
    for line in lines:
        what, model, *evicted = line.split()
        data = {"evicted": evicted[0].split(",") if evicted[0] != "-" else []} if evicted else {}
        events.append(
            Event(event_id=1, at=NOW, kind=EventKind(f"model_{what}"), session_id="s", model=model, data=data)
        )
    return events


@pytest.mark.parametrize(
    ("lines", "swaps"),
    [
        ((), 0),
        (("held a", "loaded a"), 0),
        (("held a", "loaded a", "held b", "loaded b"), 0),
        (("held a", "loaded a", "released a", "held b", "loaded b"), 1),
        (("held a", "held b", "released a", "released b", "held c", "loaded c"), 2),
        (("held a", "released a", "held b", "loaded b", "released b", "held a", "loaded a"), 2),
        (("held a", "loaded a", "released a", "held a", "loaded a"), 0),
        (("held a", "released a", "held a", "held b", "loaded b"), 0),
        (("held a", "released a"), 0),
        (("held a", "released a", "unloaded a", "held b", "loaded b"), 1),
    ],
)
def test_a_log_shows_what_left_before_a_load(lines, swaps):
    assert count_swaps(log(*lines)) == swaps


@pytest.mark.parametrize(
    ("lines", "swaps"),
    [
        (("loaded a x",), 1),
        (("loaded a x,y", "loaded b z"), 3),
        (("held b", "released b", "loaded a -"), 0),
        (("held b", "released b", "loaded a x", "loaded c"), 1),
    ],
)
def test_a_load_that_names_what_it_evicted_is_believed(lines, swaps):
    assert count_swaps(log(*lines)) == swaps
