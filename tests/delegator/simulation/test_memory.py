"""The laws of the simulated machine hold whatever a policy tries."""

from __future__ import annotations

import pytest

from delegator.settings import GB
from delegator.simulation.memory import Memory
from delegator.simulation.meter import Meter, percentile
from delegator.simulation.timeline import Timeline
from delegator.simulation.workload import Machine
from tests.delegator.simulation.worlds import models


class Bench:
    """A memory of 10 GB with models a (2 GB, 2 s), b (3 GB, 3 s) and c (8 GB, 8 s), and somebody who waits for some."""

    def __init__(self) -> None:
        self.time = Timeline()
        self.meter = Meter(10 * GB)
        self.waiting: dict[str, float] = {}
        self.memory = Memory(self.time, Machine(10 * GB), models(a=2, b=3, c=8), self.meter, self.waiting.get)
        self.seen: list[object] = []

    def pass_time(self) -> None:
        self.time.run(until=lambda: False)

    def load(self, model: str) -> None:
        self.memory.load(model, 8192, self.seen.append)
        self.pass_time()

    def unload(self, model: str, *, for_room: bool = False) -> None:
        self.memory.unload(model, lambda: self.seen.append(model), for_room=for_room)
        self.pass_time()


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_memory_counts_from_the_start_of_a_load_to_the_end_of_an_unload(bench: Bench) -> None:
    bench.load("a")
    bench.unload("a", for_room=True)

    assert bench.seen == [True, "a"]
    assert bench.meter.gb_seconds == pytest.approx(2 * 2.2)
    assert (bench.meter.load_s, bench.meter.loads, bench.meter.swaps, bench.meter.peak_bytes) == (2.0, 1, 1, 2 * GB)
    assert bench.memory.used_bytes == 0


def test_one_model_loads_at_a_time(bench: Bench) -> None:
    bench.memory.load("a", 8192, bench.seen.append)

    with pytest.raises(RuntimeError, match="b cannot load while a does"):
        bench.memory.load("b", 8192, bench.seen.append)


def test_a_model_that_is_there_is_not_loaded_again(bench: Bench) -> None:
    bench.load("a")

    with pytest.raises(RuntimeError, match="in memory already"):
        bench.load("a")


def test_a_turn_needs_its_model_and_a_slot(bench: Bench) -> None:
    with pytest.raises(RuntimeError, match="no turn can start on a"):
        bench.memory.occupy("a")
    bench.load("a")
    bench.memory.occupy("a")

    with pytest.raises(RuntimeError, match="no turn can start on a"):
        bench.memory.occupy("a")


def test_a_model_that_works_does_not_leave(bench: Bench) -> None:
    bench.load("a")
    bench.memory.occupy("a")

    with pytest.raises(RuntimeError, match="a cannot leave"):
        bench.unload("a")
    bench.memory.vacate("a")
    bench.unload("a")
    assert bench.memory.stages == {}


def test_a_load_that_is_broken_off_gives_its_memory_back_and_counts_as_loading(bench: Bench) -> None:
    load = bench.memory.load("c", 8192, bench.seen.append)
    bench.time.at(3.0, lambda: load.end(arrived=False))

    bench.pass_time()

    assert bench.seen == [False]
    assert bench.meter.load_s == 3.0
    assert bench.memory.used_bytes == 0


def test_too_much_in_memory_is_counted(bench: Bench) -> None:
    bench.load("c")
    bench.load("b")

    assert bench.meter.violations == 1


def test_waited_load_seconds_are_those_of_a_turn_that_waits_for_that_model(bench: Bench) -> None:
    bench.waiting["b"] = 1.0  # since then
    bench.load("b")
    bench.waiting["c"] = -5.0
    bench.load("a")

    assert bench.meter.waited_load_s == 2.0
    assert bench.meter.load_s == 5.0


def test_a_load_with_other_options_than_the_model_had_when_it_was_wanted_is_a_reload(bench: Bench) -> None:
    bench.load("a")
    bench.memory.note_asked("a", 8192)
    bench.memory.note_asked("a", 4096)
    bench.unload("a")

    bench.memory.load("a", 4096, bench.seen.append)

    assert bench.meter.option_reloads == 1


def test_percentiles_lie_between_their_neighbours() -> None:
    assert [percentile([1.0, 2.0, 3.0, 5.0], share) for share in (0.0, 0.5, 1.0)] == [1.0, 2.5, 5.0]
    assert percentile([], 0.5) == 0.0
