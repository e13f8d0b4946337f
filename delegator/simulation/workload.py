"""What a simulated machine is asked to do: sessions with their tasks, whose roles speak in turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

NUM_CTX = 8192
"""Window in tokens where nothing else is said."""


@dataclass(frozen=True, slots=True)
class SimulatedModel:
    """One model of the simulated machine: what it takes when loaded, and model seconds until it is.

    Attributes:
        num_ctx: the window of its one canonical option set, of which `size_bytes` is.
    """

    name: str
    size_bytes: int
    load_s: float
    num_ctx: int = NUM_CTX


@dataclass(frozen=True, slots=True)
class SimulatedTurn:
    """One turn: the model that speaks, and the seconds it reads until its first token, then writes.

    Attributes:
        num_ctx: the window its client would ask for; who loads a model with its canonical options asks for those.
    """

    model: str
    reading_s: float
    writing_s: float
    num_ctx: int = NUM_CTX


@dataclass(frozen=True, slots=True)
class SimulatedTask:
    """One task: its turns in order, and the seconds somebody thinks before giving it.

    `after_s` counts from the end of the task before; for the first one from the creation of its session.
    """

    after_s: float
    turns: tuple[SimulatedTurn, ...]


@dataclass(frozen=True, slots=True)
class SimulatedSession:
    """One session: when it is created, what it does, and how long after its last answer it is closed.

    Attributes:
        team: models of its roles, the first speaker's first.
        limit_bytes: most its models may take at one time; None: as much as the machine has. Only Delegator keeps to it.
    """

    session_id: str
    created_s: float
    team: tuple[str, ...]
    tasks: tuple[SimulatedTask, ...]
    close_lag_s: float = 0.0
    limit_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Workload:
    """Everything that is asked, and the models it names."""

    models: Mapping[str, SimulatedModel]
    sessions: Sequence[SimulatedSession]


@dataclass(frozen=True, slots=True)
class Machine:
    """What there is. Loading is one model at a time; different models run side by side at full speed.

    Attributes:
        unload_s: seconds from the request to free memory.
        parallel: turns at one time per model.
    """

    capacity_bytes: int
    unload_s: float = 0.2
    parallel: int = 1
