"""How urgent the monitor's work is: less than anything else that Delegator does."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

LEAST = 19
"""Niceness of work that may wait; Ray starts its workers with 15."""


def be_least_urgent() -> None:
    """Let the other processes of the system go first where processors are short; for all threads that there are.

    Threads that are started later take after those that start them.
    """
    threads = Path("/proc/self/task")  # on Linux each thread has a niceness of its own, elsewhere the process has one
    numbers = [int(thread.name) for thread in threads.iterdir()] if threads.is_dir() else [0]
    for number in numbers:
        with contextlib.suppress(OSError):  # it has just ended
            os.setpriority(os.PRIO_PROCESS, number, LEAST)
