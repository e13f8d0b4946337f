"""Which models are pinned where, for the `SessionManager`: the store is the truth, this is its copy in memory.

Every comparison tells each `ModelHost` its pins, so that one that has lost its memory has them again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from actors import acting
from actors.model_rows import first, same
from delegator.clock import Clock
from delegator.ollama.names import normalise
from delegator.roles.catalogue import Catalogue, Model
from delegator.schemas import EventKind
from delegator.store.records import NewEvent, PinRecord
from delegator.store.store import Store

OTHERS_NUM_CTX = 4096
"""The window of a model that no role uses: Ollama's default on a machine without a large GPU."""


class Pins:
    """See the module's head."""

    def __init__(self, store: Store, clock: Clock, catalogue: Catalogue) -> None:
        """Know nothing until `recall`."""
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._pinned: dict[tuple[str, str], Model] = {}
        """By (endpoint, model)."""
        self._coming: list[tuple[str, Model]] = []

    async def recall(self) -> None:
        """Read back what is pinned."""
        for pin in await self._store.pins():
            self._pinned[pin.endpoint, pin.model] = model_named(pin.model, self._catalogue)

    def on(self, endpoint: str) -> tuple[Model, ...]:
        """Return what is pinned on one endpoint, or just being pinned."""
        pinned = [model for (where, _), model in self._pinned.items() if where == endpoint]
        return (*pinned, *(model for where, model in self._coming if where == endpoint))

    def endpoints_of(self, name: str) -> list[str]:
        """Return where that model is pinned."""
        return [endpoint for endpoint, model in self._pinned if same(model, name)]

    @contextmanager
    def coming(self, endpoint: str, model: Model) -> Iterator[None]:
        """Let a model count as pinned while its host brings it in; it is only once `put` has stored that."""
        self._coming.append((endpoint, model))
        try:
            yield
        finally:
            self._coming.remove((endpoint, model))

    async def put(self, endpoint: str, model: Model) -> None:
        """Store that a model is pinned, in the name of whoever acts."""
        now = self._clock.now()
        event = NewEvent(EventKind.MODEL_PINNED, now, model=model.name, data={"endpoint": endpoint}, by=acting.by())
        await self._store.put_pin(PinRecord(endpoint, model.name, now), [event])
        self._pinned[endpoint, model.name] = model

    async def drop(self, endpoint: str, model: Model) -> None:
        """Store that a model is pinned no more, in the name of whoever acts."""
        now = self._clock.now()
        event = NewEvent(EventKind.MODEL_UNPINNED, now, model=model.name, data={"endpoint": endpoint}, by=acting.by())
        await self._store.drop_pin(endpoint, model.name, [event])
        self._pinned.pop((endpoint, model.name), None)


def model_named(name: str, catalogue: Catalogue) -> Model:
    """Return a model with the options of the catalogue, or with plain ones where no role uses it."""
    known = first(model for model in catalogue.models.values() if same(model.name, name))
    return known or Model(normalise(name), OTHERS_NUM_CTX, memory_bytes=0, fallbacks=(), gpu=0.0)
