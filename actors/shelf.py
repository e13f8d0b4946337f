"""What lies on an endpoint's disk, and what of it cannot be loaded there; asked seldom, remembered for seconds.

Knowledge of a `ModelHost`, and the choice among a model and its fallbacks that follows from it. Creating a session asks
for every role at once, and must not wait for Ollama each time: the list of installed models is at most `FRESH_S` old,
what a model is never changes under its digest.

Several names may stand for one weight file, and Ollama runs one runner for them all. Which file it is, `/api/show`
tells in its Modelfile; `canonical` gives all of them one name.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping, Sequence

from actors.host_messages import Choice, Chosen
from delegator.errors import DelegatorError, ModelLoadFailed, ModelMissing
from delegator.ollama.client import InstalledModel, LoadedModel, ModelFacts, OllamaClient, normalise

log = logging.getLogger(__name__)

FRESH_S = 5.0
"""Real seconds for which the list of installed models is believed: a pull is noticed within them."""

DEAD_ARCHITECTURES = {"mllama": (0, 30)}
"""Architectures that no longer load, with the first Ollama release in which they do not."""

DEAD_FAMILIES = {"llama3.2-vision": "mllama"}
"""Names, without tags, of models of these architectures: known before they are fetched for nothing."""


class Shelf:
    """The models installed on one endpoint."""

    def __init__(self, client: OllamaClient) -> None:
        """Know nothing until `look_up`."""
        self._client = client
        self._installed: dict[str, InstalledModel] = {}
        self.version = "unknown"
        """What the endpoint calls its release."""
        self._facts: dict[str, ModelFacts] = {}
        """By digest of the manifest."""
        self._names: dict[str, str] = {}
        """{weights: the first of their names that was asked for}."""
        self._looked_at = float("-inf")
        self._quarantine: dict[str, str] = {}

    async def look_up(self, names: Iterable[str]) -> None:
        """Bring the knowledge about these models, which are or will be wanted here, up to date.

        Raises:
            OllamaUnavailable: nobody answers.
        """
        wanted = list(names)
        await self._learn(wanted)
        for name in wanted:
            if self.has(name):
                self._names.setdefault(self.weights_of(name), normalise(name))

    async def _learn(self, names: Iterable[str]) -> None:
        if time.monotonic() - self._looked_at > FRESH_S:
            installed, self.version = await asyncio.gather(self._client.tags(), self._client.version())
            self._installed = {normalise(model.name): model for model in installed}
            self._looked_at = time.monotonic()
        unknown = {
            model.digest: name
            for name in names
            if (model := self._installed.get(normalise(name))) is not None and model.digest not in self._facts
        }
        facts = await asyncio.gather(*(self._client.show(name) for name in unknown.values()))
        self._facts.update(zip(unknown, facts, strict=True))

    async def identify(self, loaded: Iterable[LoadedModel]) -> bool:
        """Learn what models are that somebody else has loaded; return whether there was anything to learn."""
        names = [model.name for model in loaded if model.digest not in self._facts]
        if names:
            try:
                await self._learn(names)
            except DelegatorError as exc:
                log.info("what somebody else has loaded could not be looked up: %s", exc.message)
        return bool(names)

    async def choose(self, wanted: Sequence[Choice]) -> list[Chosen]:
        """Return, for each wanted model, the first of it and its fallbacks that this endpoint can load.

        One that failed to load earlier is passed over only where another can be had: what kept it out may have passed.

        Raises:
            ModelMissing: of some, none is installed.
            ModelLoadFailed: of some, those that are installed cannot be loaded.
        """
        first_choices = [choice.model for choice in wanted]
        await self.look_up(dict.fromkeys([*first_choices, *(name for choice in wanted for name in choice.names)]))
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

    # ── names and weights ────────────────────────────────────────────────────────────────────────────────────────

    def weights_of(self, name: str, digest: str = "") -> str:
        """Return what identifies the weights behind a name, or behind the manifest `digest` of that name.

        The digest of the weight file where that is known and can be shared, else that of the manifest, else the name.
        """
        digest = digest or self._digest_of(name)
        facts = self._facts.get(digest)
        if facts is None or facts.adapted or not facts.weights:
            return digest or normalise(name)
        return facts.weights

    def canonical(self, name: str, digest: str = "") -> str:
        """Return the one name that stands for all names of these weights: the first of them that was wanted here."""
        known = self._names.get(self.weights_of(name, digest))
        return known if known is not None and self.has(known) else normalise(name)

    def file_bytes(self, name: str) -> int:
        """Return the size of the model on disk; 0 where it is not installed, or runs elsewhere."""
        model = self.find(name)
        return 0 if model is None or model.remote else model.size_bytes

    def facts_of(self, name: str) -> ModelFacts | None:
        """Return what an installed model is; None while nobody has looked it up."""
        return self._facts.get(self._digest_of(name))

    def window_of(self, name: str, num_ctx: int) -> int:
        """Return the window a model gets that is loaded with `num_ctx`: never more than it was trained with."""
        facts = self.facts_of(name)
        return min(num_ctx, facts.context_length) if facts and facts.context_length else num_ctx

    def same_file(self, one: str, other: str) -> bool:
        """Return whether two names are known to stand for one weight file, be it with other adapters."""
        facts, others = self.facts_of(one), self.facts_of(other)
        return facts is not None and others is not None and facts.weights == others.weights != ""

    def _digest_of(self, name: str) -> str:
        model = self.find(name)
        return "" if model is None else model.digest

    # ── what cannot be loaded ────────────────────────────────────────────────────────────────────────────────────

    def quarantine(self, model: str, reason: str) -> None:
        """Remember that a model failed to load, and why."""
        self._quarantine[model] = reason

    def clear(self, model: str) -> None:
        """Forget that a model once failed to load: it has loaded."""
        self._quarantine.pop(model, None)

    def look_again(self) -> None:
        """Believe the list of installed models no longer: something has just come or gone."""
        self._looked_at = float("-inf")

    def all(self) -> tuple[InstalledModel, ...]:
        """Return what is installed."""
        return tuple(self._installed.values())

    def find(self, name: str) -> InstalledModel | None:
        """Return the installed model of that name, if there is one."""
        return self._installed.get(normalise(name))

    def against(self, name: str) -> str | None:
        """Say what speaks against loading an installed model, an earlier failure too; None when nothing does."""
        failed = self._quarantine.get(name)
        return self.why_not(name) or (f"failed to load earlier ({failed})" if failed else None)

    def never_loads(self, name: str) -> str | None:
        """Say why the model could not be loaded here even if it were installed; None when nothing is known."""
        return self._dead(DEAD_FAMILIES.get(normalise(name).partition(":")[0], ""))

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
        facts = self._facts.get(model.digest)
        return self._dead("" if facts is None else facts.architecture)

    def _dead(self, architecture: str) -> str | None:
        dead_since = DEAD_ARCHITECTURES.get(architecture)
        if dead_since is not None and version_of(self.version) >= dead_since:
            return f"does not load on Ollama {'.'.join(map(str, dead_since))} and later"
        return None


def _told(reasons: Mapping[str, str]) -> str:
    return "; ".join(f"{name} {reason}" for name, reason in reasons.items())


def version_of(text: str) -> tuple[int, ...]:
    """Read '0.33.0-rc1' as (0, 33); (0,) when it says nothing."""
    numbers = text.split("-", maxsplit=1)[0].split(".")[:2]
    return tuple(int(n) for n in numbers if n.isdigit()) or (0,)
