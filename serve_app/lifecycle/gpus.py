"""How much memory the graphics processors of this machine have.

Asks what every driver brings along: `nvidia-smi` for NVIDIA, the kernel's files for AMD. Processors that share the
machine's own memory (integrated ones, Apple's) have none of their own and count nothing here.
"""

from __future__ import annotations

import logging
import shutil
import subprocess
from pathlib import Path

log = logging.getLogger(__name__)

ANSWER_S = 10.0
"""Real seconds the driver's program may take; the first call after a start wakes the processors."""

INTEGRATED_BYTES = 2 * 2**30
"""AMD's integrated processors set aside up to this much of the machine's memory and call it theirs."""

_AMD_CARDS = Path("/sys/class/drm")


def gpu_bytes(amd_cards: Path = _AMD_CARDS) -> int:
    """Return the memory of all discrete graphics processors together; 0 where there is none that tells."""
    return _nvidia_bytes() + _amd_bytes(amd_cards)


def _nvidia_bytes() -> int:
    program = shutil.which("nvidia-smi")
    if program is None:
        return 0
    question = [program, "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(question, capture_output=True, text=True, timeout=ANSWER_S, check=True)
    except (OSError, subprocess.SubprocessError) as exc:
        log.warning("nvidia-smi does not tell the memory of its processors: %s", exc)
        return 0
    return sum(int(line) * 2**20 for line in answer.stdout.split() if line.isdigit())


def _amd_bytes(cards: Path) -> int:
    found = 0
    for path in sorted(cards.glob("card[0-9]*/device/mem_info_vram_total")):
        try:
            size = int(path.read_text(encoding="ascii"))
        except (OSError, ValueError) as exc:
            log.warning("%s does not tell a size: %s", path, exc)
            continue
        found += size if size > INTEGRATED_BYTES else 0
    return found
