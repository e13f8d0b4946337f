"""The memory of the simulated machine: loads, unloads and slots, and the laws no policy can break.

One load at a time; a turn speaks only on a model that is there and has a slot for it; a model that works stays.
Breaking one of these is a bug of a policy and raises. Taking more memory than there is would be one too, but is
counted (`Meter.violations`), because that is what a policy is measured by. What is loaded and when is the policy's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from delegator.settings import GB
from delegator.simulation.meter import Meter
from delegator.simulation.timeline import Timeline
from delegator.simulation.workload import Machine, SimulatedModel


class Stage(StrEnum):
    """How far a model in memory is."""

    LOADING = "loading"
    RESIDENT = "resident"
    LEAVING = "leaving"


@dataclass(slots=True)
class _Runner:
    num_ctx: int
    stage: Stage
    turns: int = 0


class LoadUnderWay:
    """One load, until it has ended or was broken off."""

    def __init__(self, model: str, began_s: float, end: Callable[[LoadUnderWay, bool], None]) -> None:
        self.model = model
        self.began_s = began_s
        self.is_over = False
        self._end = end

    def end(self, *, arrived: bool) -> None:
        """End it, once; a load that has ended cannot be broken off any more."""
        if not self.is_over:
            self.is_over = True
            self._end(self, arrived)


class Memory:
    """What is in memory, and what that costs.

    `waiting_since(model)` says since when a turn has waited for that model; None where none does.
    """

    def __init__(
        self,
        timeline: Timeline,
        machine: Machine,
        models: Mapping[str, SimulatedModel],
        meter: Meter,
        waiting_since: Callable[[str], float | None],
    ) -> None:
        self._timeline = timeline
        self._machine = machine
        self._models = models
        self._meter = meter
        self._waiting_since = waiting_since
        self._runners: dict[str, _Runner] = {}
        self._load: LoadUnderWay | None = None
        self._wanted_otherwise: set[tuple[str, int]] = set()

    @property
    def stages(self) -> dict[str, Stage]:
        """Return every model that takes memory, with how far it is."""
        return {model: runner.stage for model, runner in self._runners.items()}

    @property
    def used_bytes(self) -> int:
        """Return what the models in memory take, those that come or go included."""
        return sum(self._models[model].size_bytes for model in self._runners)

    # ── loading and unloading ────────────────────────────────────────────────────────────────────────────────────

    def load(self, model: str, num_ctx: int, then: Callable[[bool], None]) -> LoadUnderWay:
        """Begin to load a model; `then` is told at the end whether it has arrived or was broken off."""
        if self._load is not None:
            raise RuntimeError(f"{model} cannot load while {self._load.model} does")
        if model in self._runners:
            raise RuntimeError(f"{model} is in memory already")
        if (model, num_ctx) in self._wanted_otherwise:
            self._wanted_otherwise.discard((model, num_ctx))
            self._meter.option_reloads += 1
        self._meter.take(self._models[model].size_bytes, self._timeline.now)
        self._runners[model] = _Runner(num_ctx, Stage.LOADING)

        def ended(load: LoadUnderWay, arrived: bool) -> None:
            self._end_load(load, arrived=arrived)
            then(arrived)

        self._load = LoadUnderWay(model, self._timeline.now, ended)
        load = self._load
        self._timeline.after(self._models[model].load_s, lambda: load.end(arrived=True))
        return load

    def _end_load(self, load: LoadUnderWay, *, arrived: bool) -> None:
        now, since = self._timeline.now, self._waiting_since(load.model)
        self._meter.loaded(now - load.began_s, 0.0 if since is None else now - max(load.began_s, since))
        self._load = None
        if arrived:
            self._runners[load.model].stage = Stage.RESIDENT
        else:
            self._free(load.model)

    def unload(self, model: str, then: Callable[[], None], *, for_room: bool) -> None:
        """Begin to unload an idle model. `for_room`: because another one needs its place."""
        runner = self._runners[model]
        if runner.stage is not Stage.RESIDENT or runner.turns:
            raise RuntimeError(f"{model} cannot leave: it is {runner.stage} with {runner.turns} turns")
        runner.stage = Stage.LEAVING
        self._meter.swaps += for_room

        def gone() -> None:
            self._free(model)
            then()

        self._timeline.after(self._machine.unload_s, gone)

    def fill(self) -> None:
        """Have every model there from the start, which costs no time.

        Raises:
            ValueError: they do not fit.
        """
        everything = sum(model.size_bytes for model in self._models.values())
        if everything > self._machine.capacity_bytes:
            needed_gb, there_gb = everything / GB, self._machine.capacity_bytes / GB
            raise ValueError(f"all models together need {needed_gb:.1f} GB, and {there_gb:.1f} GB are there")
        for name, model in self._models.items():
            self._runners[name] = _Runner(model.num_ctx, Stage.RESIDENT)
        self._meter.take(everything, self._timeline.now)

    def _free(self, model: str) -> None:
        del self._runners[model]
        self._meter.give_back(self._models[model].size_bytes, self._timeline.now)

    # ── turns ────────────────────────────────────────────────────────────────────────────────────────────────────

    def note_asked(self, model: str, num_ctx: int) -> None:
        """Note that a turn wants a model with this window: loading it so while it is there otherwise is a reload."""
        runner = self._runners.get(model)
        if runner is not None and runner.num_ctx != num_ctx:
            self._wanted_otherwise.add((model, num_ctx))

    def occupy(self, model: str) -> None:
        """Take a slot for a turn that starts."""
        runner = self._runners.get(model)
        if runner is None or runner.stage is not Stage.RESIDENT or runner.turns >= self._machine.parallel:
            raise RuntimeError(f"no turn can start on {model} now")
        runner.turns += 1

    def vacate(self, model: str) -> None:
        """Give a turn's slot back."""
        self._runners[model].turns -= 1
