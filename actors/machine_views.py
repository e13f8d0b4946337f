"""Turns what the model hosts measured of their machines into what is shown. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from actors.host_messages import HostView
from actors.machine_meter import MachineView
from delegator.schemas import MachineLoad
from delegator.settings import GB


def machine_loads(hosts: Iterable[HostView]) -> list[MachineLoad]:
    """Return each machine once, however many hosts are on it."""
    machines = {host.machine.node: host.machine for host in hosts if host.machine is not None}
    return [_load(machines[node]) for node in sorted(machines)]


def _load(machine: MachineView) -> MachineLoad:
    used = [gpu.used_bytes for gpu in machine.gpus if gpu.used_bytes is not None]
    busy = [gpu.busy_ratio for gpu in machine.gpus if gpu.busy_ratio is not None]
    return MachineLoad(
        node=machine.node,
        processors=machine.processors,
        processor_ratio=machine.busy_ratio,
        gpus=len(machine.gpus),
        gpu_ratio=sum(busy) / len(busy) if busy else None,
        gpu_used_gb=sum(used) / GB if used else None,
        gpu_memory_gb=sum(gpu.memory_bytes for gpu in machine.gpus) / GB,
    )
