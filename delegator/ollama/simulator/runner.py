"""One model in memory: its slots, its references, and how fast it works."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from delegator.ollama.dialect.durations import FOREVER
from delegator.ollama.dialect.options import LoadKey
from delegator.ollama.simulator.clock import Timer
from delegator.ollama.simulator.memory import RAM, Placement
from delegator.ollama.simulator.models import ModelSpec
from delegator.ollama.simulator.profiles import GB, HostProfile

PROMPT_SPEEDUP = 25
"""How many times faster a prompt is read than a reply written: prompts are read in batches."""

BATCH_TOKENS = 512
"""Tokens of a prompt read at once; a cancelled request stops only between two batches."""

_TOTAL_SPEED = (0.0, 1.0, 1.6, 2.0, 2.2)
"""Speed of one runner by the number of slots at work, all slots together."""


@dataclass(slots=True)
class Slot:
    """One place of a runner at work; it remembers its last prompt, whose beginning need not be read again."""

    prompt: str = ""


class Slots:
    """The places of one runner: first come, first served, waiting without limit (item 16)."""

    def __init__(self, count: int) -> None:
        self._free = [Slot() for _ in range(count)]
        self._places = asyncio.Semaphore(count)
        self.count = count
        self.waiting = 0

    async def acquire(self, prompt: str) -> Slot:
        """Wait for a place; of several free ones take that which has most of the prompt in its cache."""
        self.waiting += 1
        try:
            await self._places.acquire()
        finally:
            self.waiting -= 1
        best = max(self._free, key=lambda slot: same_chars(slot.prompt, prompt))
        self._free.remove(best)
        return best

    def release(self, slot: Slot) -> None:
        self._free.append(slot)
        self._places.release()


def same_chars(one: str, other: str) -> int:
    """Return how many characters two texts have in common at their beginning."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[:middle] == other[:middle] else (low, middle - 1)
    return low


@dataclass(eq=False, slots=True)
class Runner:
    """A loaded model.

    Attributes:
        name: name of the request that loaded it; ps shows only that one, whatever alias is used later (item 25).
        keep_alive_s: model seconds it stays after its last request; `FOREVER` without end.
        expires_at: moment it goes, as last computed; stale while requests run (item 4).
        refs: requests that hold it, those that wait for a slot included.
        generating: requests at work in a slot.
        closing: being unloaded. dead: its process crashed; nobody has noticed yet.
        doomed: chosen to make room; only without `bug_17408` does that outlast a later request.
    """

    spec: ModelSpec
    name: str
    key: LoadKey
    placement: Placement
    slots: Slots
    keep_alive_s: float
    loaded_at: float
    expires_at: float = FOREVER
    refs: int = 0
    generating: int = 0
    closing: bool = False
    dead: bool = False
    doomed: bool = False
    timer: Timer | None = field(default=None, repr=False)

    @property
    def size_bytes(self) -> int:
        return sum(self.placement.values())

    @property
    def gpu_bytes(self) -> int:
        return self.size_bytes - self.placement.get(RAM, 0)

    def stop_timer(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    def tokens_per_s(self, profile: HostProfile, *, sharing: int, swapped_ratio: float) -> float:
        """Return the speed of one slot now, in tokens a model second.

        Writing a token reads all active weights once, from wherever they lie. Slots of one runner share what batching
        gives, runners on one device share the device, and reaching into swap slows everything down.

        Args:
            profile: the machine.
            sharing: runners at work on a device of this one, itself included.
            swapped_ratio: how far memory is overcommitted.
        """
        read_s = 0.0
        for device, held in self.placement.items():
            bandwidth = profile.ram_gbps if device == RAM else profile.gpus[int(device[3:])].bandwidth_gbps
            share = held / self.size_bytes
            read_s += self.spec.file_bytes * self.spec.active_ratio * share / (bandwidth * GB)
        at_work = max(1, self.generating)
        together = _TOTAL_SPEED[min(at_work, len(_TOTAL_SPEED) - 1)]
        return together / at_work / max(1, sharing) / (1 + 10 * swapped_ratio) / read_s
