"""Machines by name, and how long a model takes to load on one.

GB are 10^9 bytes. A profile says what the machine has; what of that is left for models is the caller's to say, as a
reserve.
"""

from __future__ import annotations

from dataclasses import dataclass

from delegator.settings import GB

LOAD_OVERHEAD_S = 0.5
"""What a load takes beyond reading the file: starting a runner, filling its buffers."""


@dataclass(frozen=True, slots=True)
class MachineProfile:
    """A machine somebody may buy.

    Attributes:
        memory_gb: what it has in all, or its graphics cards have.
        disk_gb_s: GB a second its disk is read with, and so models are loaded with.
        reserved: whether the system and other programs need their share of the memory too.
    """

    name: str
    memory_gb: float
    disk_gb_s: float
    reserved: bool = True

    def bytes_for_models(self, reserve_bytes: int) -> int:
        """Return what models may take, with `reserve_bytes` left to everything else where that is of this memory."""
        return round(self.memory_gb * GB) - (reserve_bytes if self.reserved else 0)


PROFILES = {
    profile.name: profile
    for profile in (
        MachineProfile("laptop16", 16, 2.0),
        MachineProfile("laptop24", 24, 2.0),
        MachineProfile("laptop32", 32, 3.0),
        MachineProfile("laptop64", 64, 3.0),
        MachineProfile("workstation48", 48, 3.0),
        MachineProfile("workstation64", 64, 3.0),
        MachineProfile("workstation96", 96, 3.0),
        MachineProfile("workstation128", 128, 5.0),
        MachineProfile("gpu24", 24, 3.0, reserved=False),
        MachineProfile("gpu48", 48, 3.0, reserved=False),
        MachineProfile("gpu96", 96, 5.0, reserved=False),
    )
}
"""{name: machine}, the smallest of each kind first."""


def load_s(file_bytes: int, disk_gb_s: float) -> float:
    """Return how long a model's file loads."""
    return file_bytes / GB / disk_gb_s + LOAD_OVERHEAD_S
