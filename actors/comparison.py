"""What the latest comparison with Ollama and Ray found, in words for people; told by `resource_summary`."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from actors.host_messages import Sweep
from delegator.schemas import Drift


class Comparison:
    """The latest one; nothing until the first has come to its end."""

    def __init__(self) -> None:
        """Know of none."""
        self._at: datetime | None = None
        self._mark = 0.0
        self._differences: list[str] = []
        self._failed: list[str] = []

    def made(self, at: datetime, agents: Sequence[str], found: Mapping[str, Sweep], failed: Sequence[str]) -> None:
        """Note a comparison: roles of agents that nobody needed, by endpoint what was found, and what failed.

        Where no endpoint could be compared, the one before remains the latest.
        """
        self._failed = list(failed)
        if found:
            self._at, self._mark = at, time.monotonic()
            self._differences = [*map(_orphan, agents), *_differences(found)]

    def broke_off(self, why: str) -> None:
        """Note that a comparison came to no end."""
        self._failed = [why]

    def shown(self) -> Drift:
        """Return it as it is shown."""
        age_s = None if self._at is None else round(time.monotonic() - self._mark, 1)
        return Drift(
            compared_at=self._at, age_seconds=age_s, differences=list(self._differences), failed=list(self._failed)
        )


def _orphan(role: str) -> str:
    return f"an agent of {role} was running that no session needs: it was ended"


def _differences(found: Mapping[str, Sweep]) -> Iterable[str]:
    for endpoint, sweep in found.items():
        for model in sweep.models_lost:
            yield f"{model} had left the memory of {endpoint}: it is shown there no more"
        for model in sweep.models_unloaded:
            yield f"{model} was in the memory of {endpoint} without an owner: it was unloaded"
        for model in sweep.reservations_removed:
            yield f"memory of {endpoint} was reserved in Ray for {model}, which is not there: it was given back"
        yield from (f"on {endpoint} {said}" for said in sweep.contradicted)
