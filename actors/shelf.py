"""What lies on an endpoint's disk, and what of it cannot be loaded there; asked seldom, remembered for seconds.

Read-only knowledge of a `ModelHost`. Creating a session asks for every role at once, and must not wait for Ollama each
time: the list of installed models is at most `FRESH_S` old, what a model is never changes under its digest.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable

from delegator.ollama.client import InstalledModel, OllamaClient, normalise

FRESH_S = 5.0
"""Real seconds for which the list of installed models is believed: a pull is noticed within them."""

DEAD_ARCHITECTURES = {"mllama": (0, 30)}
"""Architectures that no longer load, with the first Ollama release in which they do not."""


class Shelf:
    """The models installed on one endpoint."""

    def __init__(self, client: OllamaClient) -> None:
        """Know nothing until `look_up`."""
        self._client = client
        self._installed: dict[str, InstalledModel] = {}
        self.version = "unknown"
        """What the endpoint calls its release."""
        self._architectures: dict[str, str] = {}
        self._looked_at = float("-inf")

    async def look_up(self, names: Iterable[str]) -> None:
        """Bring the knowledge about these models up to date.

        Raises:
            OllamaUnavailable: nobody answers.
        """
        if time.monotonic() - self._looked_at > FRESH_S:
            installed, self.version = await asyncio.gather(self._client.tags(), self._client.version())
            self._installed = {normalise(model.name): model for model in installed}
            self._looked_at = time.monotonic()
        unknown = {
            model.digest: name
            for name in names
            if (model := self._installed.get(normalise(name))) is not None and model.digest not in self._architectures
        }
        facts = await asyncio.gather(*(self._client.show(name) for name in unknown.values()))
        self._architectures.update({d: fact.architecture for d, fact in zip(unknown, facts, strict=True)})

    def __len__(self) -> int:
        return len(self._installed)

    def has(self, name: str) -> bool:
        """Return whether the model is installed."""
        return normalise(name) in self._installed

    def why_not(self, name: str) -> str | None:
        """Say why the model cannot be loaded here; None when nothing is known against it."""
        model = self._installed.get(normalise(name))
        if model is None:
            return "is not installed"
        dead_since = DEAD_ARCHITECTURES.get(self._architectures.get(model.digest, ""))
        if dead_since is not None and version_of(self.version) >= dead_since:
            return f"does not load on Ollama {'.'.join(map(str, dead_since))} and later"
        return None


def version_of(text: str) -> tuple[int, ...]:
    """Read '0.33.0-rc1' as (0, 33); (0,) when it says nothing."""
    numbers = text.split("-", maxsplit=1)[0].split(".")[:2]
    return tuple(int(n) for n in numbers if n.isdigit()) or (0,)
