"""Catalogues written into a temporary folder."""

from collections.abc import Callable
from pathlib import Path

import pytest

WriteCatalogue = Callable[[str], Path]

ONE_ROLE = """
[models."qwen3:8b"]
num_ctx = 8192
memory_gb = 6.9

[roles.lawyer]
title = "Lawyer"
summary = "Reads contracts."
model = "qwen3:8b"
keywords = ["contract", "non-disclosure agreement"]
brief = "You read contracts and say what to change."
"""
"""The smallest catalogue that says everything."""


@pytest.fixture
def write_catalogue(tmp_path: Path) -> WriteCatalogue:
    """Write TOML text as `catalogue.toml` and return its folder."""

    def write(text: str) -> Path:
        (tmp_path / "catalogue.toml").write_text(text, encoding="utf-8")
        return tmp_path

    return write


@pytest.fixture
def one_role() -> str:
    return ONE_ROLE
