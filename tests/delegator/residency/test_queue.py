"""Who will start when: foretold, and held against what the dispatcher then does."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import partial

from delegator.residency.dispatcher import Policy
from delegator.residency.foreseen import Timing
from delegator.residency.ledger import Entry, Phase
from delegator.residency.planner import Resident, Snapshot
from delegator.residency.queue import FORETOLD, Queued, QueueState, UnderWay, foretell_starts
from delegator.residency.requests import TurnRequest
from delegator.settings import GB
from tests.delegator.residency.unsteady_host import UnsteadyHost

TIMING = Timing({"a": 4.0, "b": 6.0}, {"a": 10.0, "b": 20.0})


def turn(name: str, model: str, waited_s: float, session_id: str = "s", **more: object) -> Queued:
    return Queued(name, session_id, "task", model, 10, 100, waited_s, **more)  # type: ignore[arg-type]


def foretold(snapshot: Snapshot, *waiting: Queued, **more: object) -> list[tuple[str, float | None]]:
    queue = QueueState(waiting=waiting, timing=TIMING, **{"patience_s": 100.0, **more})  # type: ignore[arg-type]
    return [(queued.turn_id, eta_s) for queued, eta_s in foretell_starts(snapshot, queue)]


def test_turns_of_one_model_start_one_after_the_other() -> None:
    snapshot = Snapshot(10, (Resident("a", 10, busy=True),))
    starts = foretold(snapshot, turn("first", "a", 5), turn("second", "a", 3), running=(("a", 2.0),))

    assert starts == [("first", 2.0), ("second", 12.0)]


def test_what_is_resident_starts_before_what_has_waited_longer_for_room() -> None:
    snapshot = Snapshot(10, (Resident("a", 10, busy=True),))
    starts = foretold(snapshot, turn("other", "b", 50), turn("here", "a", 5), running=(("a", 2.0),))

    assert starts == [("here", 2.0), ("other", 2.0 + 10 + 6)]


def test_who_has_lost_patience_goes_first() -> None:
    snapshot = Snapshot(10, (Resident("a", 10, busy=True),))
    starts = foretold(snapshot, turn("other", "b", 101), turn("here", "a", 5), running=(("a", 2.0),))

    assert starts == [("other", 2.0 + 6), ("here", 2.0 + 6 + 20 + 4)]


def test_a_load_under_way_is_waited_for_and_what_leaves_for_it_is_gone() -> None:
    snapshot = Snapshot(10, (Resident("a", 10, busy=True),))
    starts = foretold(
        snapshot, turn("other", "b", 9), turn("back", "a", 1), change=UnderWay(("a",), "b", 10, "s", left_s=1.5)
    )

    assert starts == [("other", 1.5), ("back", 1.5 + 20 + 4)]


def test_a_wish_without_a_slot_keeps_nobody_from_starting() -> None:
    snapshot = Snapshot(20)
    starts = foretold(snapshot, turn("warm", "a", 2, needs_slot=False), turn("speaks", "a", 1, "other"))

    assert starts == [("warm", 4.0), ("speaks", 4.0)]


def test_what_waits_for_another_clients_model_is_last_and_nobody_knows_when() -> None:
    snapshot = Snapshot(20, (Resident("theirs", 15, foreign=True),))
    starts = foretold(snapshot, turn("blocked", "b", 500), replace(turn("fits", "a", 1), size_bytes=5))

    assert starts == [("fits", 4.0), ("blocked", None)]


def test_of_a_very_long_queue_only_the_oldest_are_foretold() -> None:
    many = [turn(f"t{number}", "a", 1000 - number) for number in range(FORETOLD + 5)]
    starts = foretold(Snapshot(10, (Resident("a", 10),)), *many)

    assert [eta_s is None for _, eta_s in starts] == [False] * FORETOLD + [True] * 5
    assert [name for name, _ in starts] == [queued.turn_id for queued in many]


def test_the_dispatcher_tells_its_queue_without_what_is_asked_by_hand_or_in_passing() -> None:
    host = UnsteadyHost({"a": 10 * GB}, 10 * GB, Policy(patience_s=7.0, parallel=1))
    host.ask(TurnRequest("runs", "s", "a", 10 * GB, task_id="t"))
    host.run(9.0)
    for name, session_id, by_hand_s in (("waits", "s2", 0.0), ("passing", "aside", 0.0), ("hand", "h", 60.0)):
        request = TurnRequest(name, session_id, "a", 10 * GB, task_id="t2", by_hand_s=by_hand_s)
        host.dispatcher.announce(request, host.now)

    queue = host.dispatcher.queue(host.now + 2.0, without={"aside"})

    assert [(turn.turn_id, turn.task_id, turn.waited_s) for turn in queue.waiting] == [("waits", "t2", 2.0)]
    assert (queue.running, queue.change, queue.patience_s) == ((("a", 12.5),), None, 7.0)


def test_a_change_under_way_is_told_with_what_it_takes_yet() -> None:
    host = UnsteadyHost({"a": 10 * GB}, 10 * GB)
    host.ask(TurnRequest("first", "s", "a", 10 * GB))
    host.run(2.0)

    change = host.dispatcher.queue(host.now).change

    assert change == UnderWay((), "a", 10 * GB, "s", left_s=5.5 - 2.0)


def busy_endpoint(seed: int) -> UnsteadyHost:
    """Return an endpoint after 20 s in which fourteen sessions have asked for a turn each."""
    dice = random.Random(seed)
    models = {name: size * GB for name, size in (("one", 8), ("two", 10), ("three", 12), ("four", 16))}
    host = UnsteadyHost(models, 30 * GB, Policy(parallel=1))
    host.ledger.put(Entry("two", 0, 10 * GB, Phase.RESIDENT))
    for number in range(14):
        request = TurnRequest(f"t{number}", f"s{number}", dice.choice(list(models)), 30 * GB)
        host.at(dice.uniform(0, 20), partial(host.ask, request))
    host.run(20.0)
    return host


def test_the_dispatcher_does_what_was_foretold() -> None:
    """Where models are said to leave at once, a whole second may decide who is next: a few queues go another way."""
    off_by, in_order = [], 0
    for seed in range(40):
        host = busy_endpoint(seed)
        starts = foretell_starts(host.dispatcher.snapshot(host.now), host.dispatcher.queue(host.now))
        host.run()
        began = {asked.request.turn_id: (asked.granted_at or 0.0) - 20.0 for asked in host.past}
        assert all(eta_s is not None for _, eta_s in starts)
        off_by += [abs((eta_s or 0.0) - began[queued.turn_id]) for queued, eta_s in starts]
        names = [queued.turn_id for queued, _ in starts]
        in_order += names == sorted(names, key=began.__getitem__)

    assert in_order >= 36
    assert sum(seconds <= 3.0 for seconds in off_by) >= 0.95 * len(off_by) >= 300
