"""What running turns have said so far: who is listened to, how often pages are told, and when it ends."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from itertools import pairwise

import pytest

from delegator.errors import StoreUnavailable
from serve_app.monitor.channel import RATE_PER_S, SEND_S, Channel, Look
from serve_app.monitor.speech import AGAIN_S, MOST_CHARS, Hearing, UnderWay
from tests.browser.voices import Voices
from tests.serve_app.monitor.hands import Hands, settle

FIRST = UnderWay("t:0", "ceo", "m", 1, 10)
AGAIN = UnderWay("t:0", "ceo", "m", 2, 12)
SECOND = UnderWay("t:1", "cto", "m", 1, 14)


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def voices() -> Voices:
    return Voices()


@pytest.fixture
async def hearing(voices: Voices, hands: Hands) -> AsyncIterator[Hearing]:
    made = Hearing(voices, hands.sleep)
    yield made
    made.close()
    await settle()


async def test_what_is_said_is_kept_as_it_will_be_stored(hearing, voices):
    hearing.listen([FIRST])
    for piece in ("\n ", "Once", " upon", " "):
        voices.say("t:0", piece)
        await settle()

    assert hearing.said() == (("t:0", "Once upon"),)
    assert hearing.changed.is_set()


async def test_silence_tells_nothing(hearing, voices):
    hearing.listen([FIRST])
    voices.say("t:0", " ")
    await settle()

    assert (hearing.said(), hearing.changed.is_set()) == ((), False)


async def test_a_turn_is_listened_to_once_until_it_is_under_way_no_more(hearing, voices):
    hearing.listen([FIRST])
    await settle()
    hearing.listen([FIRST, SECOND])
    await settle()
    assert voices.listened == [("ceo", "t:0"), ("cto", "t:1")]
    voices.say("t:0", "a")
    voices.say("t:1", "b")
    await settle()
    hearing.listen([SECOND])
    await settle()

    assert (voices.listening, hearing.said()) == (1, (("t:1", "b"),))

    hearing.close()
    await settle()

    assert (voices.listening, hearing.said()) == (0, ())


async def test_a_turn_that_is_taken_again_begins_without_the_old_words(hearing, voices):
    hearing.listen([FIRST])
    voices.say("t:0", "old")
    await settle()
    hearing.listen([AGAIN])

    assert hearing.said() == ()


async def test_who_cannot_be_heard_keeps_its_words_and_is_listened_to_again(hearing, voices, hands):
    hearing.listen([FIRST])
    voices.say("t:0", "Once upon")
    await settle()
    voices.lose()
    await hands.turn(3 * AGAIN_S)

    assert (hearing.said(), len(voices.listened), voices.listening) == ((("t:0", "Once upon"),), 4, 0)

    voices.found()
    voices.say("t:0", "Another")
    await hands.turn(AGAIN_S)

    assert (hearing.said(), voices.listening) == ((("t:0", "Another"),), 1)


async def test_an_agent_that_does_not_know_the_turn_yet_is_asked_again(hearing, voices, hands):
    voices.end("t:0")
    hearing.listen([FIRST])
    await hands.turn(AGAIN_S * 1.5)

    assert len(voices.listened) == 2


async def test_of_a_speech_without_end_the_beginning_is_kept(hearing, voices):
    hearing.listen([FIRST])
    for _ in range(8):
        voices.say("t:0", "x" * (MOST_CHARS // 4))
    await settle()

    assert hearing.said() == (("t:0", "x" * MOST_CHARS),)


# ── together with the view ────────────────────────────────────────────────────────────────────────────────────────


class Seen:
    """A view that has turns under way, and a page that remembers what it was told, and when."""

    def __init__(self, hands: Hands, hearing: Hearing) -> None:
        self.hands = hands
        self.turns: Sequence[UnderWay] = (FIRST,)
        self.reads = 0
        self.error: Exception | None = None
        self.looks: list[tuple[float, Look[int]]] = []
        self.channel = Channel("reading", self.read, lambda _: True, None, hands, hearing=hearing, under_way=self._now)
        self.channel.watchers["page"] = self.tell

    async def read(self) -> int:
        self.reads += 1
        if self.error is not None:
            raise self.error
        return self.reads

    def _now(self, _view: int) -> Sequence[UnderWay]:
        return self.turns

    def tell(self, look: Look[int]) -> None:
        self.looks.append((self.hands.at, look))


@pytest.fixture
async def seen(hands: Hands, hearing: Hearing) -> AsyncIterator[Seen]:
    made = Seen(hands, hearing)
    await settle()
    yield made
    made.channel.close()


async def test_words_are_told_without_reading_anything(seen, voices, hands):
    await hands.turn(5)
    voices.say("t:0", "Hello")
    await hands.turn(0)

    assert (seen.looks[-1][1].view, seen.looks[-1][1].said, seen.reads) == (1, (("t:0", "Hello"),), 1)


@pytest.mark.parametrize("pages", [1, 50])
async def test_words_and_views_together_are_at_most_four_updates_a_second(seen, voices, hands, pages):
    for number in range(1, pages):
        seen.channel.watchers[number] = lambda _: None
    await hands.turn(5)
    seen.looks.clear()
    for number in range(200):
        voices.say("t:0", f"{number} ")
        if number % 3 == 0:
            seen.channel.wake()
        await hands.turn(0.02)
    await hands.turn(5)

    least = max(1 / RATE_PER_S, SEND_S * pages)
    times = [at for at, _ in seen.looks]
    assert min(later - sooner for sooner, later in pairwise(times)) >= least - 1e-9
    assert 2 / least <= len(times) <= 4 / least + 2
    assert seen.looks[-1][1].said[0][1].endswith(" 199")
    assert seen.looks[-1][1].view == seen.reads > 2


async def test_the_words_go_with_the_look_that_shows_the_turn_stored(seen, voices, hands):
    voices.say("t:0", "Hello")
    await hands.turn(5)
    seen.turns = ()
    seen.channel.wake()
    await hands.turn(5)

    assert [look.said for _, look in seen.looks][-2:] == [(("t:0", "Hello"),), ()]
    assert [look.view for _, look in seen.looks][-2:] == [1, 2]
    assert voices.listening == 0


async def test_while_nothing_can_be_read_the_turn_is_listened_to_on(seen, voices, hands):
    await hands.turn(5)
    seen.error = StoreUnavailable("no connection")
    seen.channel.wake()
    await hands.turn(1)
    voices.say("t:0", "Hello")
    await hands.turn(1)

    assert seen.looks[-1][1].said == (("t:0", "Hello"),)
    assert seen.looks[-1][1].error is seen.error


async def test_a_channel_that_nobody_watches_any_more_listens_to_nobody(seen, voices):
    assert voices.listening == 1
    seen.channel.close()
    await settle()

    assert voices.listening == 0


async def test_a_page_is_never_waited_for(hands):
    """The one who speaks is read at once, however slow the pages: only the latest words wait for them."""
    taken: list[str] = []

    class Eager:
        async def follow(self, role: str, turn_id: str) -> AsyncGenerator[str, None]:
            for number in range(100):
                taken.append(f"{number}")
                yield f"{number} "

    hearing = Hearing(Eager(), hands.sleep)
    seen = Seen(hands, hearing)
    await settle()

    assert len(taken) == 100
    assert len(seen.looks) == 1

    await hands.turn(1 / RATE_PER_S)

    assert len(seen.looks) == 2
    assert seen.looks[-1][1].said[0][1].endswith(" 99")
    seen.channel.close()
    await settle()
