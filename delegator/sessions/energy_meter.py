"""Reads the energy counters of this machine, and divides what they count among the sessions that are open.

Owns which counters count (Linux powercap: every processor package, and memory where it is counted apart), what makes
them useless (a GPU they do not see), and the division: what is counted between two looks goes in equal parts to the
sessions open then, so that the parts of all sessions add up to what the machine took while any was open. Whether the
models run on this machine at all, and when to look, is for who uses it. What a receipt makes of it: `electricity.py`.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from delegator.sessions.electricity import ENERGY

log = logging.getLogger(__name__)

UNCOUNTED = ("dev/nvidiactl", "dev/kfd")
"""Devices of GPUs that do the computing where they are, and that no counter here sees: NVIDIA's, and AMD's ROCm."""

_UJ_PER_J = 1_000_000


@dataclass(frozen=True, slots=True)
class Counter:
    """One counter of microjoules. It starts again at zero after `range_uj`."""

    name: str
    file: Path
    range_uj: int

    def read(self) -> int:
        """Return microjoules since some moment.

        Raises:
            OSError, ValueError: it cannot be read; on most machines only root may.
        """
        return int(self.file.read_text(encoding="ascii"))


def find_counters(root: Path = Path("/")) -> tuple[Counter, ...]:
    """Return the counters that together see everything that computes here; none where they would see only a part."""
    if any((root / device).exists() for device in UNCOUNTED):
        return ()
    found = []
    for zone in sorted((root / "sys/class/powercap").glob("intel-rapl:*")):  # AMD's processors have that name too
        try:
            name = (zone / "name").read_text(encoding="ascii").strip()
            if not (name.startswith("package") or name == "dram"):
                continue  # parts of a package, or the whole platform: they would count twice
            counter = Counter(
                f"{zone.name} {name}", zone / "energy_uj", int((zone / "max_energy_range_uj").read_text("ascii"))
            )
            counter.read()
        except (OSError, ValueError) as exc:
            log.info("energy is not measured: %s", exc)
            return ()
        found.append(counter)
    return tuple(found)


@dataclass(slots=True)
class _Account:
    joules: float = 0.0
    machine_joules: float = 0.0


class EnergyMeter:
    """What the sessions open now have taken. It must be looked at more often than its counters start again."""

    def __init__(self, counters: Sequence[Counter]) -> None:
        """Take the counters; without any, nothing is measured and every answer is empty."""
        self._counters = tuple(counters)
        self._last: list[int] = []
        self._accounts: dict[str, _Account] = {}

    @property
    def is_running(self) -> bool:
        """True while there is something to divide."""
        return bool(self._accounts)

    def begin(self, session_id: str) -> None:
        """Open the account of a session; the first call counts."""
        if self._counters and session_id not in self._accounts:
            self.look()
            if self._last:
                self._accounts[session_id] = _Account()

    def look(self) -> None:
        """Divide what was counted since the last look."""
        try:
            now = [counter.read() for counter in self._counters]
        except (OSError, ValueError) as exc:
            log.warning("energy can no longer be measured: %s", exc)
            self._accounts.clear()  # a part of what a session took is no measurement of it
            self._last = []
            return
        joules = sum(self._since(index, now[index]) for index in range(len(self._last))) / _UJ_PER_J
        self._last = now
        for account in self._accounts.values():
            account.joules += joules / len(self._accounts)
            account.machine_joules += joules

    def _since(self, index: int, now: int) -> int:
        counted = now - self._last[index]
        return counted if counted >= 0 else counted + self._counters[index].range_uj

    def measured(self, session_id: str) -> dict[str, Any]:
        """Return what the event that ends the session shall carry; nothing where it was not measured from the start."""
        if session_id in self._accounts:
            self.look()
        account = self._accounts.get(session_id)
        if account is None:
            return {}
        joules = round(account.joules, 3)
        return {
            ENERGY: {
                "joules": joules,
                "machine_joules": max(joules, round(account.machine_joules, 3)),
                "counters": [counter.name for counter in self._counters],
            }
        }

    def leave(self, session_id: str) -> None:
        """Close the account of a session."""
        if session_id in self._accounts:
            self.look()
            self._accounts.pop(session_id, None)
