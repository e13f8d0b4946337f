"""What the graphics processors of this machine have, and how busy they are.

Asks what every driver brings along: `nvidia-smi` for NVIDIA, the kernel's files for AMD. Processors that share the
machine's own memory (integrated ones, Apple's) have none of their own and count nothing here.
"""

from __future__ import annotations

import logging
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger(__name__)

ANSWER_S = 10.0
"""Real seconds the driver's program may take; the first call after a start wakes the processors."""

INTEGRATED_BYTES = 2 * 2**30
"""AMD's integrated processors set aside up to this much of the machine's memory and call it theirs."""

_AMD_CARDS = Path("/sys/class/drm")


@dataclass(frozen=True, slots=True)
class Gpu:
    """One discrete graphics processor; of `used_bytes` and `busy_ratio` (0 to 1) not every driver tells."""

    memory_bytes: int
    used_bytes: int | None = None
    busy_ratio: float | None = None


def gpu_bytes(amd_cards: Path = _AMD_CARDS) -> int:
    """Return the memory of all discrete graphics processors together; 0 where there is none that tells."""
    sizes = (size for (size,) in _nvidia("memory.total") if size is not None)
    return sum(sizes) * 2**20 + sum(gpu.memory_bytes for gpu in _amd(amd_cards))


def gpus(amd_cards: Path = _AMD_CARDS) -> list[Gpu]:
    """Return all discrete graphics processors as they are now. Waits for a driver's program: not for an event loop."""
    found = [
        Gpu(size * 2**20, None if used is None else used * 2**20, None if busy is None else busy / 100)
        for size, used, busy in _nvidia("memory.total", "memory.used", "utilization.gpu")
        if size is not None
    ]
    return found + list(_amd(amd_cards))


def _nvidia(*wanted: str) -> list[Sequence[int | None]]:
    """Return the wanted figures of each processor, in the units of nvidia-smi (MiB, %); None: it does not tell."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    question = [program, f"--query-gpu={','.join(wanted)}", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(question, capture_output=True, text=True, timeout=ANSWER_S, check=True)
    except (OSError, subprocess.SubprocessError) as exc:
        log.warning("nvidia-smi does not tell of its processors: %s", exc)
        return []
    rows = [[word.strip() for word in line.split(",")] for line in answer.stdout.splitlines()]
    return [[int(word) if word.isdigit() else None for word in row] for row in rows if len(row) == len(wanted)]


def _amd(cards: Path) -> Iterable[Gpu]:
    for path in sorted(cards.glob("card[0-9]*/device/mem_info_vram_total")):
        size = _number(path)
        if size is not None and size > INTEGRATED_BYTES:
            busy = _number(path.with_name("gpu_busy_percent"))
            yield Gpu(size, _number(path.with_name("mem_info_vram_used")), None if busy is None else busy / 100)


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError) as exc:
        log.warning("%s tells no number: %s", path, exc)
        return None
