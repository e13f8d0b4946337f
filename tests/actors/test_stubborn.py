"""When a model that stays speaks against its Ollama."""

from __future__ import annotations

from collections.abc import Sequence

from actors.outbox import Outbox
from actors.stubborn import STUCK_AFTER, Stubborn
from delegator.residency.ledger import Entry, Phase
from delegator.schemas import EventKind
from delegator.store.records import NewEvent


class Told:
    """What was told, with the outbox it was told through."""

    def __init__(self) -> None:
        self.events: list[NewEvent] = []
        self.outbox = Outbox("test", self._take)

    async def _take(self, events: Sequence[NewEvent]) -> None:
        self.events.extend(events)


def resident(model: str) -> Entry:
    return Entry(model, 8192, 1, Phase.RESIDENT)


async def test_a_model_that_stays_is_told_once_and_only_several_times_in_a_row_speak_against_the_host() -> None:
    told = Told()
    stubborn, entry = Stubborn(told.outbox), resident("a:1b")

    reasons = [stubborn.stayed(entry) for _ in range(STUCK_AFTER)]

    assert reasons[:-1] == [None] * (STUCK_AFTER - 1)
    assert reasons[-1] == f"a:1b stays in memory, told to go {STUCK_AFTER} times"
    await told.outbox.flush()
    assert [(e.kind, e.model, e.data["what"]) for e in told.events] == [
        (EventKind.DRIFT_FOUND, "a:1b", "unload_ignored")
    ]


async def test_one_that_has_gone_begins_anew() -> None:
    stubborn, entry = Stubborn(Told().outbox), resident("a:1b")
    for _ in range(STUCK_AFTER - 1):
        stubborn.stayed(entry)

    assert not stubborn.left("a:1b")

    assert stubborn.stayed(entry) is None


async def test_the_suspicion_ends_with_the_last_model_that_caused_it() -> None:
    stubborn = Stubborn(Told().outbox)
    for model in ("a:1b", "b:1b"):
        for _ in range(STUCK_AFTER):
            stubborn.stayed(resident(model))

    assert [stubborn.left(model) for model in ("a:1b", "nobody:1b", "b:1b", "b:1b")] == [False, False, True, False]
