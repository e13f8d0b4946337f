"""The models on the host's disk, and pulling more of them from the simulated registry (items 3, 14, 28)."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from delegator.ollama.names import normalise
from delegator.ollama.simulator.clock import Clock, sleep
from delegator.ollama.simulator.models import MODELS, ModelSpec, find
from delegator.ollama.simulator.profiles import GB, HostProfile

PROGRESS_S = 0.06
"""Real seconds between two lines of progress."""

NOT_IN_REGISTRY = "pull model manifest: file does not exist"


class PullFailed(Exception):
    """A pull cannot go on; the text is Ollama's."""


@dataclass(frozen=True, slots=True)
class Installed:
    """A model on disk."""

    spec: ModelSpec
    modified_at: datetime


@dataclass(eq=False, slots=True)
class _Download:
    """The weights of one model on their way; shared by all who pull it, and kept when they leave."""

    spec: ModelSpec
    done_bytes: float = 0.0
    pullers: int = 0
    task: asyncio.Task[None] | None = field(default=None, repr=False)


class Library:
    """What is installed."""

    def __init__(self, profile: HostProfile, clock: Clock) -> None:
        self._profile = profile
        self._clock = clock
        self._downloads: dict[str, _Download] = {}
        self._models: dict[str, Installed] = {}
        names = MODELS if profile.installed is None else profile.installed
        bought = datetime.now(UTC).astimezone() - timedelta(days=1)
        for age, name in enumerate(names):
            spec = find(name)
            if spec is None:
                raise ValueError(f"the simulated registry has no model '{name}'; it has {', '.join(MODELS)}")
            self._models[spec.name] = Installed(spec, bought - timedelta(minutes=age))
        for spec in profile.also:
            self._models.setdefault(spec.name, Installed(spec, bought))

    def get(self, name: str) -> Installed | None:
        """Return the installed model of this name, however it is written (item 3)."""
        return self._models.get(normalise(name))

    def all(self) -> list[Installed]:
        """Return all installed models, newest first."""
        return sorted(self._models.values(), key=lambda model: model.modified_at, reverse=True)

    def add(self, spec: ModelSpec) -> None:
        """Install a model, also one that the registry does not have."""
        self._models[spec.name] = Installed(spec, datetime.now(UTC).astimezone())

    def delete(self, name: str) -> bool:
        """Remove a model from disk; a loaded copy runs on (item 28). False when it is not there."""
        return self._models.pop(normalise(name), None) is not None

    async def pull(self, name: str) -> AsyncIterator[dict[str, Any]]:
        """Give the lines of a pull. Pulls of one model share a download, which goes on from where it was (item 14).

        Raises:
            PullFailed: the registry has no such model.
        """
        yield {"status": "pulling manifest"}
        spec = find(name)
        if spec is None:
            raise PullFailed(NOT_IN_REGISTRY)
        for digest, size in _layers(spec):
            line = {"status": f"pulling {digest[:12]}", "digest": f"sha256:{digest}", "total": size}
            if size == spec.file_bytes and self.get(name) is None:
                download = self._join(spec)
                try:
                    yield line
                    while download.done_bytes < size:
                        yield {**line, "completed": int(download.done_bytes)}
                        await sleep(self._clock, PROGRESS_S * self._clock.scale)
                finally:
                    self._leave(download)
            yield {**line, "completed": size}
        for status in ("verifying sha256 digest", "writing manifest"):
            yield {"status": status}
        self.add(spec)
        self._downloads.pop(spec.weights, None)
        yield {"status": "success"}

    def stop(self) -> None:
        """Stop all downloads."""
        for download in self._downloads.values():
            if download.task is not None:
                download.task.cancel()

    def _join(self, spec: ModelSpec) -> _Download:
        download = self._downloads.setdefault(spec.weights, _Download(spec))
        download.pullers += 1
        if download.task is None:
            download.task = asyncio.create_task(self._fetch(download))
        return download

    def _leave(self, download: _Download) -> None:
        """Stop the download when the last of its pullers has left; what came so far stays."""
        download.pullers -= 1
        if download.pullers == 0 and download.task is not None:
            download.task.cancel()
            download.task = None

    async def _fetch(self, download: _Download) -> None:
        last = self._clock.now()
        while download.done_bytes < download.spec.file_bytes:
            await sleep(self._clock, PROGRESS_S * self._clock.scale)
            now = self._clock.now()
            came = (now - last) * self._profile.download_gbps * GB
            download.done_bytes = min(download.spec.file_bytes, download.done_bytes + came)
            last = now


def _layers(spec: ModelSpec) -> list[tuple[str, int]]:
    """Return digest and size of each layer: the weights, then the small ones."""
    small = {"template": 1_481, "licence": 11_348, "parameters": 96}
    digests = [(hashlib.sha256(f"{part} {spec.weights}".encode()).hexdigest(), size) for part, size in small.items()]
    return [(spec.weights_digest, spec.file_bytes), *digests]
