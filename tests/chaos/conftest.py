"""The system under chaos, opened for each test: the real parts over simulated hosts (`team_on_simulators.py`).

Whatever strikes, and whenever: no message is lost or doubled, no reservation leaks, no model stays that nobody owns,
and the receipt is what the log bears out. What a fault does to a single part is tested beside that part.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from actors import agent, endpoint_memory
from tests.chaos.team_on_simulators import OpenTeam, TeamOnSimulators, gb


@pytest.fixture(autouse=True)
def short_deadlines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Notice within seconds what would be noticed within tens of them."""
    monkeypatch.setattr(endpoint_memory, "LEAST_LOAD_DEADLINE_S", 2.0)
    monkeypatch.setattr(agent, "LEAST_TOKEN_DEADLINE_S", 2.0)
    monkeypatch.setattr("actors.turn_attempts.RETRY_PAUSE_S", 0.1)


@pytest.fixture
async def open_team(database_url: str) -> AsyncIterator[OpenTeam]:
    """Give a function that opens the system; its arguments are the capacities of the endpoints in GB, by name."""
    team = TeamOnSimulators()

    async def opened(capacities: dict[str, float] | None = None, **changed: Any) -> TeamOnSimulators:
        sizes = {name: gb(size) for name, size in (capacities or {"only": 60}).items()}
        await team.open(database_url, sizes, **changed)
        return team

    yield opened
    await team.close()
