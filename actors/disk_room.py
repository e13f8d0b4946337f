"""How much room is left on a disk."""

from __future__ import annotations

import shutil
from pathlib import Path


def free_bytes(folder: Path) -> int:
    """Return what is free where `folder` is, or will be once it is made.

    Raises:
        OSError: its disk does not answer.
    """
    there = next(place for place in (folder, *folder.parents) if place.exists())
    return shutil.disk_usage(there).free
