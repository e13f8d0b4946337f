"""What crosses the border of a `ModelHost` about the models on its endpoint's disk: small frozen records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from delegator.errors import DelegatorError

PullStatus = Literal["running", "completed", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class OnDisk:
    """One model on an endpoint's disk.

    Attributes:
        name: normalised.
        size_bytes: of its files.
        remote: it runs elsewhere and takes no memory here.
        against: why it cannot be loaded here; None when nothing is known against it.
    """

    name: str
    size_bytes: int
    remote: bool = False
    against: str | None = None


@dataclass(frozen=True, slots=True)
class PullView:
    """One download, under way or as it ended.

    Attributes:
        phase: what Ollama is at, in its words.
        completed_bytes, total_bytes: of the layers known so far; 0 while none is.
        seconds: model seconds since it began, or that it took.
        error: why it failed; None unless it did.
        started: the call that this answers has begun it; others join or look.
    """

    model: str
    status: PullStatus
    phase: str
    completed_bytes: int
    total_bytes: int
    seconds: float
    error: DelegatorError | None = None
    started: bool = False

    @property
    def running(self) -> bool:
        """True while it is under way."""
        return self.status == "running"


@dataclass(frozen=True, slots=True)
class DiskView:
    """What lies on one endpoint's disk, and what is on its way there.

    Attributes:
        models: what is installed, the largest first.
        pulls: downloads under way, and how the latest of each model ended.
        hopeless: of the models that were asked about those that can never be loaded here, installed or not, and why.
    """

    models: tuple[OnDisk, ...]
    pulls: tuple[PullView, ...]
    hopeless: dict[str, str]

    def find(self, name: str) -> OnDisk | None:
        """Return the installed model of that name, if there is one."""
        return next((model for model in self.models if model.name == name), None)

    def pull_of(self, name: str) -> PullView | None:
        """Return the download of that model, if there is or was one."""
        return next((pull for pull in self.pulls if pull.model == name), None)


@dataclass(frozen=True, slots=True)
class Removed:
    """What removing a model gave back: its files, and the memory of its loaded copy (0: it was not loaded)."""

    model: str
    disk_bytes: int
    memory_bytes: int
