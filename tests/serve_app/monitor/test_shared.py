"""One call for all who ask at the same time."""

from __future__ import annotations

import asyncio

import pytest

from delegator.errors import DeadlineExceeded, InternalError, StoreUnavailable
from serve_app.monitor.shared import SharedRead


class Source:
    """Counts its calls; each waits at the gate, when there is one, and answers or raises."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.begun = asyncio.Event()
        self.gate: asyncio.Event | None = None
        self.error: Exception | None = None

    async def read(self, key: str) -> str:
        self.calls.append(key)
        self.begun.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        return f"{key} {len(self.calls)}"


class Dial:
    """A clock that stands still until it is turned."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def dial() -> Dial:
    return Dial()


def shared(source: Source, dial: Dial, *, keep: int = 2, deadline_s: float = 20.0) -> SharedRead[str, str]:
    return SharedRead(source.read, what="reading", fresh_s=2.0, deadline_s=deadline_s, keep=keep, now=dial)


async def test_all_who_ask_at_once_share_one_call(dial):
    source = Source()
    source.gate = asyncio.Event()
    read = shared(source, dial)
    asking = [asyncio.create_task(read.get("now")) for _ in range(50)]
    await source.begun.wait()
    source.gate.set()

    assert await asyncio.gather(*asking) == ["now 1"] * 50
    assert source.calls == ["now"]


async def test_an_answer_serves_until_it_is_old(dial):
    source = Source()
    read = shared(source, dial)
    answers = [await read.get("now")]
    for dial.at in (1.9, 2.0, 3.9, 4.0):
        answers.append(await read.get("now"))

    assert answers == ["now 1", "now 1", "now 2", "now 2", "now 3"]


async def test_a_caller_that_leaves_takes_nothing_from_the_others(dial):
    source = Source()
    source.gate = asyncio.Event()
    read = shared(source, dial)
    first, second = (asyncio.create_task(read.get("now")) for _ in range(2))
    await source.begun.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    source.gate.set()

    assert await second == "now 1"


async def test_an_error_serves_everybody_and_the_next_call_may_succeed(dial):
    source = Source()
    source.error = StoreUnavailable("no connection")
    read = shared(source, dial)
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            await read.get("now")
    source.error = None
    dial.at = 2.0

    assert await read.get("now") == "now 2"
    assert source.calls == ["now", "now"]


async def test_a_bug_is_one_incident_for_all(dial, caplog):
    source = Source()
    source.error = ZeroDivisionError()
    read = shared(source, dial)
    incidents = set()
    for _ in range(3):
        with pytest.raises(InternalError) as caught:
            await read.get("now")
        incidents.add(caught.value.incident)

    assert len(incidents) == 1
    assert caplog.text.count("Traceback") == 1


async def test_a_call_without_end_is_told_so(dial):
    source = Source()
    source.gate = asyncio.Event()
    read = shared(source, dial, deadline_s=0.01)

    with pytest.raises(DeadlineExceeded, match=r"reading took longer than 0\.01 s"):
        await read.get("now")


async def test_keys_are_read_apart_and_the_longest_unread_one_is_forgotten(dial):
    source = Source()
    read = shared(source, dial, keep=2)

    assert [await read.get(key) for key in ("a", "b", "a", "c", "a", "b")] == ["a 1", "b 2", "a 1", "c 3", "a 4", "b 5"]
