"""The words of a forecast: the turns of a team as they would come, and what adds up over them.

Owns assumed times and how they give way to learned ones. How a forecast is made is `forecast.py`; what its seconds and
GB-seconds cost is not here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from delegator.residency.pace import ASSUMED_READING_S, ASSUMED_WRITING_S
from delegator.residency.planner import Refuse

ASSUMED_LOAD_BYTES_S = 2_000_000_000
"""Bytes a second a model comes in with: a common NVMe disk. An estimate until the model has been loaded once."""

ASSUMED_LOAD_OVERHEAD_S = 0.5
"""Model seconds a load takes beside reading: starting the runner."""

ASSUMED_TURN_S = ASSUMED_READING_S + ASSUMED_WRITING_S
"""Model seconds of a turn on a model nobody has spoken with yet."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Model seconds as they were learned, by model; what is missing is assumed."""

    load_s: Mapping[str, float] = field(default_factory=dict)
    turn_s: Mapping[str, float] = field(default_factory=dict)

    def load_of(self, model: str, size_bytes: int) -> float:
        """Return how long a load of that model takes."""
        return estimated_load_s(model, size_bytes, self.load_s)

    def turn_of(self, model: str) -> float:
        """Return how long a turn on that model takes."""
        return self.turn_s.get(model, ASSUMED_TURN_S)


@dataclass(frozen=True, slots=True)
class ForeseenTurn:
    """One turn of the team. Seconds are model seconds.

    Attributes:
        reused: its model is in memory when its turn comes.
        starts_s: when it begins to speak, from now.
        waits_for: models of others that must fall idle, or go, before its own can be loaded.
        wait_s: how long that takes; None where it cannot be told, because they are not ours.
        load_s: how long its load takes; 0 when reused.
        evicted: models of others, or of nobody, that leave for it.
        evicted_held: those of them that other sessions hold.
        held: the models the session holds on all endpoints during the turn; `held_bytes`: their memory.
    """

    model: str
    endpoint_id: str
    reused: bool
    starts_s: float
    turn_s: float
    waits_for: tuple[str, ...]
    wait_s: float | None
    load_s: float
    evicted: tuple[str, ...]
    evicted_held: tuple[str, ...]
    held: tuple[str, ...]
    held_bytes: int

    @property
    def seconds(self) -> float:
        """Return how long it takes, waiting and loading included."""
        return (self.wait_s or 0.0) + self.load_s + self.turn_s


@dataclass(frozen=True, slots=True)
class Forecast:
    """What would happen.

    Attributes:
        turns: in their order, up to the first impossible one.
        in_turns: True when the team's models cannot all be held together.
        impossible: the first wish that can never be met, with what bounds it.
    """

    turns: tuple[ForeseenTurn, ...]
    in_turns: bool
    impossible: tuple[str, Refuse] | None

    @property
    def loaded(self) -> tuple[str, ...]:
        """Return the models that would be loaded, in order, each once."""
        return _each_once(turn.model for turn in self.turns if not turn.reused)

    @property
    def reused(self) -> tuple[str, ...]:
        """Return the models that are in memory already when they are first needed."""
        first = {turn.model: turn for turn in reversed(self.turns)}
        return _each_once(turn.model for turn in self.turns if first[turn.model].reused)

    @property
    def evicted(self) -> tuple[str, ...]:
        """Return the models of others, or of nobody, that would have to leave."""
        return _each_once(model for turn in self.turns for model in turn.evicted)

    @property
    def evicted_held(self) -> tuple[str, ...]:
        """Return those of the evicted models that other sessions hold."""
        return _each_once(model for turn in self.turns for model in turn.evicted_held)

    @property
    def waits_for(self) -> tuple[str, ...]:
        """Return the models that are in the way now and would be waited for."""
        return _each_once(model for turn in self.turns for model in turn.waits_for)

    @property
    def peak_bytes(self) -> int:
        """Return the most the session would hold at one time."""
        return max((turn.held_bytes for turn in self.turns), default=0)

    @property
    def wait_s(self) -> float | None:
        """Return how long the first speaker's model waits for others; None when that cannot be told."""
        return self.turns[0].wait_s if self.turns else 0.0

    @property
    def ready_s(self) -> float:
        """Return when the first speaker's model is in memory; waiting that cannot be told is not in it."""
        return self.turns[0].starts_s if self.turns else 0.0

    @property
    def load_s(self) -> float:
        """Return the seconds of all loads, those included that bring a model back."""
        return sum(turn.load_s for turn in self.turns)

    @property
    def seconds(self) -> float:
        """Return how long all turns take, one after the other, waiting and loading included."""
        return sum(turn.seconds for turn in self.turns)

    @property
    def byte_seconds(self) -> float:
        """Return the memory the session holds over that time, counted from the start of each load."""
        return sum(turn.held_bytes * (turn.load_s + turn.turn_s) for turn in self.turns)


def estimated_load_s(model: str, size_bytes: int, learned: Mapping[str, float]) -> float:
    """Return model seconds a load of that model takes."""
    return learned.get(model, size_bytes / ASSUMED_LOAD_BYTES_S + ASSUMED_LOAD_OVERHEAD_S)


def _each_once(models: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(models))
