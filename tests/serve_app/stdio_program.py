"""`delegator mcp` as the tests start it.

Arguments: the address of the API, and how the start of the system goes: "" at once, FAIL, or a FIFO to wait for.
"""

from __future__ import annotations

import sys
from pathlib import Path

from delegator.errors import StartFailed
from serve_app.client import AsyncClient
from serve_app.stdio import run_stdio

address, start = sys.argv[1], sys.argv[2]


def ensure_running() -> None:
    print("noise that must not reach the wire", flush=True)  # noqa: T201 - the very thing that is tested
    if start == "FAIL":
        raise StartFailed("ray", "no room", "Make room.")
    if start:
        Path(start).read_bytes()  # blocks until somebody writes to the FIFO


run_stdio(lambda: AsyncClient(address), ensure_running=ensure_running)
