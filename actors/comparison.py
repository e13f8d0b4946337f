"""What the latest comparison with Ollama and Ray found, in words for people; told by `resource_summary`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from actors.host_messages import Sweep
from delegator.schemas import Drift
from delegator.settings import Settings

TRUSTED_S = 60.0
"""Real seconds for which a comparison is worth something where no alert is to be raised about its age."""

SLOW_S = 8.0
"""Real seconds after which a comparison that is under way counts as one that does not come to an end."""


def trusted_s(settings: Settings) -> float:
    """Return for how long a comparison is worth something: as long as no alert is raised, and some comparisons long."""
    return max(settings.alerts.drift_s or TRUSTED_S, 3 * settings.reconcile_every_s)


class Comparison:
    """The latest one; nothing until the first has come to its end."""

    def __init__(self, trusted_seconds: float = TRUSTED_S, *, now: Callable[[], float] = time.monotonic) -> None:
        """Know of none. `now`: real seconds of a clock that is never set back."""
        self._trusted_s = trusted_seconds
        self._now = now
        self._begun: float | None = None
        """When the one that is under way began."""
        self._at: datetime | None = None
        self._mark = 0.0
        self._differences: list[str] = []
        self._failed: list[str] = []

    def begun(self) -> None:
        """Note that one is under way: it is `made` or has `broke_off` soon, or is shown as one that hangs."""
        self._begun = self._now()

    def made(self, at: datetime, agents: Sequence[str], found: Mapping[str, Sweep], failed: Sequence[str]) -> None:
        """Note a comparison: roles of agents that nobody needed, by endpoint what was found, and what failed.

        Where no endpoint could be compared, the one before remains the latest.
        """
        self._failed, self._begun = list(failed), None
        if found:
            self._at, self._mark = at, self._now()
            self._differences = [*map(_orphan, agents), *_differences(found)]

    def broke_off(self, why: str) -> None:
        """Note that a comparison came to no end."""
        self._failed, self._begun = [why], None

    def shown(self) -> Drift:
        """Return it as it is shown."""
        hangs = self._begun is not None and self._now() - self._begun > SLOW_S
        return Drift(
            compared_at=self._at,
            age_seconds=None if self._at is None else round(self._now() - self._mark, 1),
            differences=list(self._differences),
            failed=[*self._failed, *(["the comparison under way does not come to an end"] if hangs else [])],
            trusted_seconds=self._trusted_s,
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
