"""Files a command writes where it is told to: there whole, or not at all; what is wrong with a place is said as one."""

from __future__ import annotations

import os
from pathlib import Path

from delegator.errors import InvalidInput


def check_place(path: Path, option: str) -> None:
    """Find out whether a file can be written there, before there is something to write; nothing is left behind.

    Raises:
        InvalidInput: it cannot, and why.
    """
    try:
        ordinary = path.is_file() or not path.exists()
        if ordinary:
            beside = _beside(path)
            beside.touch()
            beside.unlink()
    except OSError as exc:
        raise _refused(path, option, exc.strerror or str(exc)) from exc
    if not ordinary:  # a device would be replaced like a file
        raise _refused(path, option, "it is a folder" if path.is_dir() else "it is no ordinary file")


def write_file(path: Path, text: str, option: str) -> None:
    """Write a file beside its place and move it there.

    Raises:
        InvalidInput: it cannot be written.
    """
    check_place(path, option)  # again: what is no ordinary file would be replaced by one
    beside = _beside(path)
    try:
        try:
            beside.write_text(text, encoding="utf-8", newline="")
            beside.replace(path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
    except OSError as exc:
        raise _refused(path, option, exc.strerror or str(exc)) from exc


def _beside(path: Path) -> Path:
    """Return where it is written first: in the same folder, by a name that is not longer for a long one."""
    return path.parent / f".delegator-{os.getpid()}.part"


def _refused(path: Path, option: str, why: str) -> InvalidInput:
    return InvalidInput(option, f"{path} cannot be written: {why}", "Name a file in a folder of yours.")
