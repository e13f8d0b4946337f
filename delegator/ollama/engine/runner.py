"""One model in memory as the scheduler sees it: its process, its slots, its references, its time."""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass, field

from delegator.ollama.dialect.options import LoadKey
from delegator.ollama.engine.library import ModelFile
from delegator.ollama.engine.process import EngineProcess


@dataclass(eq=False, slots=True)
class Runner:
    """A loaded model.

    Attributes:
        slots: its places; whoever finds none free waits in order, without limit (item 16).
        keep_alive_s: seconds it stays after its last request; infinite without end.
        expires_at: monotonic moment it goes, as last computed; stale while requests run (item 4).
        refs: requests that hold it, those that wait for a slot included.
        closing: being unloaded.
    """

    model: ModelFile
    key: LoadKey
    process: EngineProcess
    slots: asyncio.Semaphore
    keep_alive_s: float
    expires_at: float = math.inf
    refs: int = 0
    closing: bool = False
    timer: asyncio.TimerHandle | None = field(default=None, repr=False)

    @property
    def left_s(self) -> float:
        """Seconds until it goes, as last computed."""
        return self.expires_at - time.monotonic()

    def stop_timer(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
