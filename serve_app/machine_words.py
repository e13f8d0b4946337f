"""How the measured load of machines is told, on the page and on the command line. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from delegator.schemas import MachineLoad, ResourceSummaryReply
from serve_app.formats import counted, gigabytes, one_line, percent

NOT_MEASURED = "not measured"


def busiest(machines: Sequence[MachineLoad]) -> float | None:
    """Return how busy the processors of the busiest machine are, 0 to 1; None where none was measured."""
    return max((load.processor_ratio for load in machines if load.processor_ratio is not None), default=None)


def processors(machines: Sequence[MachineLoad]) -> str:
    """Return the load of all processors: '37 % of 8 processors'; with the machines' names where there are several."""
    return "; ".join(f"{_name(load, machines)}{_processors(load)}" for load in machines) or NOT_MEASURED


def graphics(resources: ResourceSummaryReply) -> str:
    """Return the load of all graphics processors; empty where neither is there one nor a model on one.

    Where no driver tells, what the models hold there is told, and that the rest is not measured.
    """
    machines = [load for load in resources.machines if load.gpus]
    if machines:
        return "; ".join(f"{_name(load, resources.machines)}{_graphics(load)}" for load in machines)
    held_gb = sum(model.gpu_gb for model in resources.models)
    return f"{gigabytes(held_gb)} of models, utilisation {NOT_MEASURED}" if held_gb > 0 else ""


def _name(load: MachineLoad, machines: Sequence[MachineLoad]) -> str:
    return f"{one_line(load.node)} " if len(machines) > 1 else ""


def _processors(load: MachineLoad) -> str:
    share = NOT_MEASURED if load.processor_ratio is None else percent(load.processor_ratio)
    return f"{share} of {counted(load.processors, 'processor')}"


def _graphics(load: MachineLoad) -> str:
    busy = f"utilisation {NOT_MEASURED}" if load.gpu_ratio is None else f"{percent(load.gpu_ratio)} busy"
    used = "" if load.gpu_used_gb is None else f"{gigabytes(load.gpu_used_gb)} of "
    return f"{busy}, {used}{gigabytes(load.gpu_memory_gb)}"
