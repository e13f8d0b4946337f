"""`make test` runs the tests in two processes at once; this says which tests go together, and in what order.

One process takes everything that starts a Ray, one system after the other: two at once would only slow each other
down. The other takes the rest, file by file; what is left of that when the systems are done, both share. A plain
`pytest` runs everything in one process, in the same order.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import pytest
from xdist.remote import Producer  # type: ignore[import-untyped]
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

SYSTEMS = "systems"
RAY_MARK = "pytest.mark.ray"

# Ray gives its workers the lowest priority but four: beside another process that computes they would hardly start.
os.environ.setdefault("RAY_worker_niceness", "0")
# Most of Ray's functions start a whole Ray where there is none: it would stay, unseen, until the last test.
os.environ["RAY_ENABLE_AUTO_CONNECT"] = "0"


@cache
def starts_a_system(file: Path) -> bool:
    """Return whether a file has tests that need Ray."""
    return RAY_MARK in file.read_text(encoding="utf-8")


def _turn(item: pytest.Item) -> int:
    """Return when an item's file has its turn: systems come first; the one that lives until the end is their last."""
    if not starts_a_system(item.path):
        return 2
    return 1 if item.path.parent.name == "live" else 0


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the systems first: they take longest."""
    items.sort(key=_turn)


class Lanes(LoadScopeScheduling):  # type: ignore[misc]  # it has no types
    """Hands out all systems together, and everything else by files, in the order of the collection."""

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return SYSTEMS if starts_a_system(self.config.rootpath / file) else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Lanes:
    """Distribute by lanes, whatever `--dist` says."""
    return Lanes(config, log)
