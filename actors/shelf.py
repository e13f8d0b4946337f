"""What lies on an endpoint's disk, and what of it cannot be loaded there; asked seldom, remembered for seconds.

Knowledge of a `ModelHost`, and the choice among a model and its fallbacks that follows from it. Creating a session asks
for every role at once, and must not wait for Ollama each time: the list of installed models is at most `FRESH_S` old,
what a model is never changes under its digest.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence

from actors.host_messages import Choice, Chosen
from delegator.errors import ModelLoadFailed, ModelMissing
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
        self._quarantine: dict[str, str] = {}

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

    async def choose(self, wanted: Sequence[Choice]) -> list[Chosen]:
        """Return, for each wanted model, the first of it and its fallbacks that this endpoint can load.

        One that failed to load earlier is passed over only where another can be had: what kept it out may have passed.

        Raises:
            ModelMissing: of some, none is installed.
            ModelLoadFailed: of some, those that are installed cannot be loaded.
        """
        await self.look_up({name for choice in wanted for name in choice.names})
        return [self._choose(choice) for choice in wanted]

    def _choose(self, choice: Choice) -> Chosen:
        reasons: dict[str, str] = {}
        usable = []
        for name in choice.names:
            problem = self.why_not(name)
            if problem is None and name not in self._quarantine:
                return Chosen(name, _told(reasons))
            if problem is None:
                usable.append(name)
            reasons[name] = problem or f"failed to load earlier ({self._quarantine[name]})"
        if usable:
            del reasons[usable[0]]
            return Chosen(usable[0], _told(reasons))
        if self.has(choice.model):
            raise ModelLoadFailed(self._client.endpoint, choice.model, _told(reasons))
        raise ModelMissing(self._client.endpoint, choice.model)

    def quarantine(self, model: str, reason: str) -> None:
        """Remember that a model failed to load, and why."""
        self._quarantine[model] = reason

    def clear(self, model: str) -> None:
        """Forget that a model once failed to load: it has loaded."""
        self._quarantine.pop(model, None)

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


def _told(reasons: Mapping[str, str]) -> str:
    return "; ".join(f"{name} {reason}" for name, reason in reasons.items())


def version_of(text: str) -> tuple[int, ...]:
    """Read '0.33.0-rc1' as (0, 33); (0,) when it says nothing."""
    numbers = text.split("-", maxsplit=1)[0].split(".")[:2]
    return tuple(int(n) for n in numbers if n.isdigit()) or (0,)
