"""What the rules look at: the figures of one look, as they were measured.

None in place of a figure: it could not be measured, which is neither good nor bad for its rules, but bad for `drift`.
Measuring is the business of `actors/alert_figures.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from delegator.schemas import AlertRule


@dataclass(frozen=True, slots=True)
class LongestWait:
    """The turn that has waited longest on an endpoint. `waited_s`: model seconds."""

    session_id: str
    role: str | None
    model: str
    waited_s: float


@dataclass(frozen=True, slots=True)
class EndpointFigures:
    """One Ollama endpoint.

    Attributes:
        used_gb: memory of the models there, measured, those of other clients included.
        longest_wait: None: no turn waits there.
        suspect: why it is not to be trusted; None: nothing speaks against it.
    """

    endpoint: str
    capacity_gb: float
    used_gb: float
    longest_wait: LongestWait | None = None
    suspect: str | None = None


@dataclass(frozen=True, slots=True)
class DriftFigures:
    """How old the last comparison is of what is shown with what Ollama and Ray say.

    Attributes:
        age_s: real seconds; None: not known.
        failed: what could not be compared or looked at, and why.
    """

    age_s: float | None
    failed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DiskFigures:
    """The disk on which the record is kept."""

    folder: str
    free_gb: float


@dataclass(frozen=True, slots=True)
class Figures:
    """One look. `restarts`: crashes by role within the seconds that count, those with none left out."""

    endpoints: tuple[EndpointFigures, ...] | None
    restarts: Mapping[str, int] | None
    drift: DriftFigures
    disk: DiskFigures | None

    @property
    def unmeasured(self) -> frozenset[AlertRule]:
        """The rules that this look says nothing about."""
        missing: set[AlertRule] = set()
        if self.endpoints is None:
            missing |= {"memory", "queue_wait", "suspect_host"}
        if self.restarts is None:
            missing.add("crash_loop")
        if self.disk is None:
            missing.add("disk")
        return frozenset(missing)
