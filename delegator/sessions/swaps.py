"""How many models had to leave memory to make room for the ones a session loaded.

A swap is one model that left so that a load of this session could be made. `model_loaded` names them as `evicted`. A
log that does not name them is read for what it shows: every model that the session let go of after its load before,
did not take up again, and that is another than the one it loads. Letting go without a load after it, as at the end,
is no swap.
"""

from __future__ import annotations

from collections.abc import Sequence

from delegator.schemas import Event, EventKind


def count_swaps(events: Sequence[Event]) -> int:
    """Return the swaps of one session, whose events come in order."""
    swaps = 0
    let_go: set[str | None] = set()
    for event in events:
        if event.kind is EventKind.MODEL_RELEASED and event.role is None:
            let_go.add(event.model)
        elif event.kind is EventKind.MODEL_HELD:
            let_go.discard(event.model)
        elif event.kind is EventKind.MODEL_LOADED:
            evicted = event.data.get("evicted")
            swaps += len(evicted) if isinstance(evicted, list) else len(let_go - {event.model})
            let_go.clear()
    return swaps
