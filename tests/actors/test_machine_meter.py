"""The load of a machine is measured between two looks."""

from __future__ import annotations

import asyncio
import threading

from actors.gpus import Gpu
from actors.machine_meter import GPU_EVERY_S, SPAN_S, MachineMeter, processor_times
from tests.actors.conftest import DEADLINE_S


class Machine:
    """Processors whose work a test decides."""

    def __init__(self) -> None:
        self.at, self.busy, self.total = 100.0, 50.0, 1000.0
        self.gpus: list[Gpu] = []
        self.asked = 0

    def pass_by(self, seconds: float, *, busy: float) -> None:
        """Let time pass on four processors, that share of them busy."""
        self.at += seconds
        self.total += 4 * seconds
        self.busy += 4 * seconds * busy

    def ask(self) -> list[Gpu]:
        self.asked += 1
        return self.gpus

    def meter(self) -> MachineMeter:
        return MachineMeter(times=lambda: (self.busy, self.total), gpus_of=self.ask, now=lambda: self.at)


async def test_the_share_that_was_busy_between_two_looks_is_the_load() -> None:
    machine = Machine()
    meter = machine.meter()
    assert meter.look().busy_ratio is None
    loads = []
    for share in (0.25, 1.0, 0.0):
        machine.pass_by(SPAN_S, busy=share)
        loads.append(meter.look().busy_ratio)

    assert loads == [0.25, 1.0, 0.0]


async def test_looks_in_quick_succession_give_the_same_figure() -> None:
    machine = Machine()
    meter = machine.meter()
    machine.pass_by(SPAN_S, busy=0.5)
    assert meter.look().busy_ratio == 0.5
    machine.pass_by(SPAN_S / 4, busy=1.0)
    assert meter.look().busy_ratio == 0.5
    machine.pass_by(3 * SPAN_S / 4, busy=0.0)

    assert meter.look().busy_ratio == 0.25


async def test_drivers_are_asked_now_and_then_and_nobody_waits_for_them() -> None:
    machine = Machine()
    answers = threading.Event()
    machine.gpus = [Gpu(8, 4, 0.5)]

    def ask() -> list[Gpu]:
        assert answers.wait(DEADLINE_S)
        return machine.ask()

    meter = MachineMeter(times=lambda: (0.0, 0.0), gpus_of=ask, now=lambda: machine.at)
    assert meter.look().gpus == meter.look().gpus == ()
    answers.set()
    async with asyncio.timeout(DEADLINE_S):
        while not meter.look().gpus:  # noqa: ASYNC110 - a meter tells nobody when it knows more
            await asyncio.sleep(0.001)
        machine.gpus = []
        machine.at += GPU_EVERY_S / 2
        assert (meter.look().gpus, machine.asked) == ((Gpu(8, 4, 0.5),), 1)
        machine.at += GPU_EVERY_S / 2
        while meter.look().gpus:  # noqa: ASYNC110
            await asyncio.sleep(0.001)

    assert machine.asked == 2


def test_this_machine_tells_its_times() -> None:
    busy, total = processor_times()

    assert 0 < busy < total
