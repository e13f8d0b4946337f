"""What `/api/ps` lists, by the names under which the ledger has it.

Ollama runs one runner for all names of a weight file, and lists it under the name that loaded it. The ledger has one
entry for it too, whatever name a role asks for.
"""

from __future__ import annotations

from dataclasses import replace

from actors.shelf import Shelf
from delegator.ollama.client import LoadedModel, OllamaClient, normalise
from delegator.residency.ledger import Entry, Ledger


class Listing:
    """The names and weights of one endpoint's ledger."""

    def __init__(self, client: OllamaClient, shelf: Shelf, ledger: Ledger) -> None:
        """Ask nothing yet."""
        self._client = client
        self._shelf = shelf
        self._ledger = ledger

    def known_as(self, name: str) -> str:
        """Return the one name under which the ledger has, or would have, the weights behind `name`.

        An entry of another client's, loaded by a name nobody had asked for here, takes ours on.
        """
        name = self._shelf.canonical(name)
        twin = None if name in self._ledger else self._twin(self._shelf.weights_of(name))
        if twin is None:
            return name
        if twin.foreign and not twin.busy:
            self._ledger.drop(twin.model)
            twin.model = name
            self._ledger.put(twin)
        return twin.model

    def name_of(self, found: LoadedModel) -> str:
        """Return the name under which the ledger has, or would have, a listed model."""
        name = normalise(found.name)
        if name in self._ledger:
            return name
        twin = self._twin(self._shelf.weights_of(name, found.digest))
        return self._shelf.canonical(name, found.digest) if twin is None else twin.model

    async def look(self) -> dict[str, LoadedModel]:
        """Ask what is in memory; return it by `name_of`.

        Raises:
            OllamaUnavailable, DeadlineExceeded: it cannot be asked.
        """
        listed = await self._client.ps()
        if await self._shelf.identify(listed):
            listed = await self._client.ps()  # that took its time, and the ledger is corrected by what is true now
        by_name: dict[str, LoadedModel] = {}
        for found in listed:
            name = self.name_of(found)
            by_name[name] = _both(by_name[name], found) if name in by_name else found
        return by_name

    async def lists(self, model: str) -> bool:
        """Ask whether the model of that entry is still in memory, under any of its names."""
        return any(self.name_of(found) == model for found in await self._client.ps())

    def _twin(self, weights: str) -> Entry | None:
        return next((entry for entry in self._ledger.entries() if entry.weights == weights), None)


def _both(one: LoadedModel, other: LoadedModel) -> LoadedModel:
    """Count two runners of one name as one: the file of the older was replaced on disk since."""
    return replace(one, size_bytes=one.size_bytes + other.size_bytes, gpu_bytes=one.gpu_bytes + other.gpu_bytes)
