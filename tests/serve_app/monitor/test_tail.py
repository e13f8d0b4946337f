"""The end of the event log, read by id."""

from __future__ import annotations

from collections.abc import Sequence

from serve_app.monitor.tail import RUN, Tail
from tests.serve_app.monitor.event_log import Log


async def ids(tail: Tail, announced: Sequence[int] = ()) -> list[int]:
    return [event.event_id for event in await tail.read(announced)]


async def test_each_event_is_told_once_also_where_ids_are_visible_out_of_order():
    log = Log()
    tail = Tail(log.list_events)
    log.write(1)
    assert await ids(tail) == [1]
    log.write(4)
    assert await ids(tail, [4]) == [4]
    log.write(3)
    log.write(5)

    assert await ids(tail, [3, 5]) == [3, 5]
    assert await ids(tail, [4, 5]) == []


async def test_one_that_is_far_behind_goes_on_with_the_latest():
    log = Log()
    tail = Tail(log.list_events)
    log.write(1)
    await tail.read(())
    for n in range(2, 3 * RUN):
        log.write(n)

    assert (await ids(tail))[-1] == 3 * RUN - 1
    assert await ids(tail) == []


async def test_another_log_is_read_from_its_end():
    log = Log()
    tail = Tail(log.list_events)
    log.write(9)
    await tail.read(())
    log.events.clear()
    log.write(2)

    assert await ids(tail) == [2]
