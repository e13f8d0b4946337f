"""How long an endpoint is not trusted."""

from __future__ import annotations

from actors.doubts import DOUBTED_S, Doubts


class Time:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_a_doubt_holds_until_it_is_cleared() -> None:
    doubts = Doubts()
    doubts.note("one", "stuck")

    assert (doubts.why("one"), doubts.why("two")) == ("stuck", None)
    doubts.clear("one")
    assert doubts.why("one") is None


def test_a_doubted_endpoint_is_tried_again_after_a_while_unless_it_is_doubted_anew() -> None:
    time = Time()
    doubts = Doubts(time)
    doubts.note("one", "stuck")
    time.now_s += DOUBTED_S / 2
    doubts.seen("one", "stuck")  # the same suspicion, told again

    time.now_s += DOUBTED_S / 2
    assert doubts.why("one") is None

    doubts.seen("one", "stuck")
    assert doubts.why("one") is None, "nothing new has happened"
    doubts.note("one", "stuck")
    assert doubts.why("one") == "stuck"


def test_a_host_that_says_it_is_well_is_trusted() -> None:
    doubts = Doubts()
    doubts.note("one", "it does not answer")

    doubts.seen("one", None)

    assert doubts.why("one") is None
