"""What all tests share: the services a test may need, and what happens where one is missing.

A missing service skips its tests by name on a laptop and fails them in CI, which promises every service.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from importlib.util import find_spec

import pytest

pytest_plugins = ["tests.fixtures_store", "tests.lanes"]

NODE_NEEDED = (22, 19)


def _node_version() -> tuple[int, ...]:
    if shutil.which("node") is None:
        return (0,)
    told = subprocess.run(["node", "--version"], capture_output=True, text=True, timeout=20)
    return tuple(int(part) for part in told.stdout.strip().lstrip("v").split(".")[:2])


def _missing(marker: str) -> str | None:
    """Say what a marker's service lacks here; None when it is there."""
    if marker == "node" and _node_version() < NODE_NEEDED:
        return "Node 22.19 or newer"
    if marker == "browser" and shutil.which("chromium") is None:
        return "Chromium"
    if marker == "engine" and find_spec("xllamacpp") is None:
        return "xllamacpp, of the extra `engine`"
    if marker == "ollama" and not os.environ.get("DELEGATOR_TEST_OLLAMA"):
        return "DELEGATOR_TEST_OLLAMA, the address of a real Ollama"
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what cannot run on this laptop; in CI let it fail. Only a real Ollama is nowhere promised."""
    for marker in ("node", "browser", "engine", "ollama"):
        marked = [item for item in items if item.get_closest_marker(marker)]
        missing = _missing(marker) if marked else None
        if missing is None or (os.environ.get("CI") and marker != "ollama"):
            continue
        for item in marked:
            item.add_marker(pytest.mark.skip(reason=f"needs {missing}"))
