"""From events to pages: who is told, how often, and what happens when the announcements break off."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from itertools import pairwise

import pytest

from delegator.errors import StoreUnavailable
from serve_app.monitor.channel import RATE_PER_S, RETRY_S, SHARE, Channel, Look, Timer
from serve_app.monitor.live import PROBE_S, Live
from tests.serve_app.monitor.event_log import Log
from tests.serve_app.monitor.hands import Hands, settle


class Seen:
    """A view that counts how often it was read, and a page that remembers what it was shown."""

    def __init__(self, log: Log, hands: Hands, session_id: str = "a") -> None:
        self.log, self.hands, self.session_id = log, hands, session_id
        self.reads = 0
        self.takes_s = 0.0
        self.error: Exception | None = None
        self.looks: list[Look[int]] = []

    async def read(self) -> int:
        """Return the id of the latest event."""
        self.reads += 1
        self.hands.at += self.takes_s
        if self.error is not None:
            raise self.error
        return self.log.events[-1].event_id if self.log.events else 0

    def channel(self, tick_s: float | None) -> Callable[[Timer], Channel[int]]:
        def make(timer: Timer) -> Channel[int]:
            return Channel("reading", self.read, lambda event: event.session_id == self.session_id, tick_s, timer)

        return make


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
async def pages(log: Log, hands: Hands) -> AsyncIterator[Live]:
    made = Live(log.list_events, log, timer=hands)
    yield made
    made.stop()
    await settle()


@pytest.fixture
def seen(log: Log, hands: Hands) -> Seen:
    return Seen(log, hands)


async def test_all_who_watch_share_one_reading(pages, seen, hands):
    shown: list[int | None] = []
    for _ in range(50):
        pages.watch("key", seen.channel(None), lambda look: shown.append(look.view))
    await hands.turn(0)

    assert seen.reads == 1
    assert shown == [0] * 50

    pages.watch("key", seen.channel(None), lambda look: shown.append(look.view))

    assert shown == [0] * 51


async def test_a_storm_of_events_is_shown_four_times_a_second_and_once_more_after_the_last(pages, seen, log, hands):
    pages.watch("key", seen.channel(None), seen.looks.append)
    await hands.turn(1)
    seen.looks.clear()
    for n in range(200):
        log.write(n + 1)
        await hands.turn(0.01)

    assert 2 <= len(seen.looks) <= 2 * RATE_PER_S + 1

    await hands.turn(10)

    assert seen.looks[-1].view == 200
    times = [look.read_at for look in seen.looks]
    assert min(later - sooner for sooner, later in pairwise(times)) >= 1 / RATE_PER_S - 1e-9
    assert len(seen.looks) <= 2 * RATE_PER_S + 2


async def test_the_first_event_after_a_quiet_time_is_shown_at_once(pages, seen, log, hands):
    pages.watch("key", seen.channel(None), seen.looks.append)
    await hands.turn(5)
    log.write(1)
    await hands.turn(0)

    assert seen.looks[-1].view == 1


async def test_events_wake_only_whom_they_concern(pages, seen, log, hands):
    pages.watch("key", seen.channel(None), seen.looks.append)
    await hands.turn(5)
    reads = seen.reads
    log.write(1, "another session")
    await hands.turn(5)

    assert seen.reads == reads


async def test_without_events_it_is_read_after_its_tick_while_somebody_watches(pages, seen, hands):
    leave = pages.watch("key", seen.channel(2.0), seen.looks.append)
    await hands.turn(20.1)
    assert 10 <= seen.reads <= 12
    leave()
    before = seen.reads
    await hands.turn(20)

    assert seen.reads == before


async def test_a_view_that_is_slow_to_read_is_read_less_often(pages, seen, log, hands):
    seen.takes_s = 0.2
    pages.watch("key", seen.channel(None), seen.looks.append)
    await hands.turn(1)
    seen.reads = 0
    for n in range(100):
        log.write(n + 1)
        await hands.turn(0.1)

    assert 4 <= seen.reads <= 10 / (seen.takes_s / SHARE) + 1


async def test_an_error_keeps_what_was_shown_and_is_tried_again(pages, seen, log, hands):
    log.write(7)
    pages.watch("key", seen.channel(None), seen.looks.append)
    await hands.turn(1)
    seen.error = StoreUnavailable("no connection")
    log.write(8)
    await hands.turn(1)

    assert (seen.looks[-1].view, seen.looks[-1].error) == (7, seen.error)

    seen.error = None
    await hands.turn(RETRY_S + 1)

    assert (seen.looks[-1].view, seen.looks[-1].error) == (8, None)


async def test_a_page_that_cannot_be_drawn_does_not_keep_the_others_from_it(pages, seen, hands):
    def broken(_: Look[int]) -> None:
        raise RuntimeError("gone")

    pages.watch("key", seen.channel(None), broken)
    pages.watch("key", seen.channel(None), seen.looks.append)
    await hands.turn(0)

    assert len(seen.looks) == 1


async def test_when_the_announcements_break_off_events_are_asked_for_until_they_return(pages, seen, log, hands):
    told: list[bool] = []
    pages.on_push(lambda: told.append(pages.push))
    pages.watch("key", seen.channel(None), seen.looks.append)
    await hands.turn(1)
    log.news.put_nowait(StoreUnavailable("no connection"))
    await hands.turn(0.1)
    assert told == [False]
    log.write(1, announced=False)
    await hands.turn(RETRY_S + 1)

    assert seen.looks[-1].view == 1

    assert log.listeners == 2
    assert told == [False, True]


async def test_a_feed_that_has_fallen_silent_is_found_out(pages, seen, log, hands):
    pages.watch("key", seen.channel(None), seen.looks.append)
    await hands.turn(1)
    log.write(1)
    await hands.turn(1)
    log.write(2, announced=False)
    await hands.turn(PROBE_S + RETRY_S + 1)

    assert seen.looks[-1].view == 2
    assert not pages.push

    log.write(3)
    await hands.turn(1)

    assert seen.looks[-1].view == 3
    assert pages.push


async def test_nobody_asks_for_events_while_nobody_watches(pages, seen, log, hands):
    leave = pages.watch("key", seen.channel(None), seen.looks.append)
    await hands.turn(1)
    leave()
    log.asked.clear()
    for n in range(20):
        log.write(n + 1)
        await hands.turn(1)

    assert log.asked == []


async def test_where_events_may_have_been_missed_everything_is_read_again(pages, seen, log, hands):
    pages.watch("key", seen.channel(None), seen.looks.append)
    await hands.turn(1)
    log.write(5, "another session", announced=False)
    log.news.put_nowait(())
    await hands.turn(1)

    assert seen.looks[-1].view == 5
