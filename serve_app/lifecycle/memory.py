"""How much memory there is for models."""

from __future__ import annotations

from pathlib import Path

import psutil

from actors.footprint import SIMULATED_BYTES
from actors.gpus import gpu_bytes
from delegator.endpoints import endpoints_of, shared_memory
from delegator.errors import SettingsInvalid
from delegator.settings import GB, Settings

GPU_RESERVE = 0.05
"""Share of a graphics processor's memory left to its driver and the screen."""

_CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def machine_bytes() -> int:
    """Return the memory of this machine, or what the container may use of it."""
    total = int(psutil.virtual_memory().total)
    limits = [limit for path in _CGROUP_LIMITS if (limit := _read_limit(path)) is not None]
    return min([total, *limits])


def all_bytes() -> int:
    """Return the memory of this machine with that of its graphics processors: more than that can never be used."""
    return machine_bytes() + gpu_bytes()


def memory_for_models(settings: Settings, *, simulated: bool) -> int:
    """Return the bytes that models may take together: as given, else of the graphics processors, else of the machine.

    Where there are graphics processors of their own memory, Ollama places models there and makes room there: what the
    machine has beside them would only be promised. `--memory` says otherwise.

    Raises:
        SettingsInvalid: the reserve leaves nothing.
    """
    if settings.memory is not None:
        return settings.memory
    if simulated:
        return SIMULATED_BYTES
    on_gpus = gpu_bytes() if any(endpoint.local for endpoint in endpoints_of(settings)) else 0
    if on_gpus:
        return round(on_gpus * (1 - GPU_RESERVE))
    left = machine_bytes() - settings.memory_reserve
    if left <= 0:
        reserve, there = settings.memory_reserve / GB, machine_bytes() / GB
        raise SettingsInvalid(
            "memory_reserve",
            f"{reserve:.1f}GB",
            f"leaves nothing of the {there:.1f} GB there are",
            "Give the memory for models itself (--memory), or a smaller reserve.",
        )
    return left


def largest_endpoint(settings: Settings, memory_bytes: int, *, simulated: bool) -> int:
    """Return the memory of the endpoint that has most of it, which bounds a single model.

    Args:
        settings: as the user gave them.
        memory_bytes: what models may take on this machine together.
        simulated: whether the endpoints are simulators, which share that in equal parts.
    """
    if simulated:
        return memory_bytes // settings.simulated_endpoints
    endpoints = endpoints_of(settings)
    here = shared_memory([e for e in endpoints if e.local and e.node is None], memory_bytes)
    return max(here.get(e.endpoint_id) or e.memory_bytes or memory_bytes for e in endpoints)


def _read_limit(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):  # no such control, or `max`
        return None
