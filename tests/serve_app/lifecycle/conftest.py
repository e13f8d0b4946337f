"""A home folder for tests that start something in it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def home_dir() -> Iterator[Path]:
    """A short, private folder. Not pytest's own: that one is closed to the user who runs root's PostgreSQL."""
    path = Path(tempfile.mkdtemp(prefix="delegator-test-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)
