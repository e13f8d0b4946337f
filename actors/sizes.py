"""What models take on one endpoint, and how long their loads take: measured where it was, otherwise estimated.

Knowledge of an `EndpointMemory`, by weights and options. Begins with what former lives have measured (`HostSpec.facts`,
from the store); what it learns is reported with each load and stored by the `Recorder`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from actors.shelf import Shelf
from delegator.ollama.client import LoadedModel
from delegator.residency.estimate import estimated_bytes, is_plausible
from delegator.residency.foreseen import estimated_load_s
from delegator.residency.ledger import Entry
from delegator.roles.catalogue import Model
from delegator.store.records import ModelFactsRecord

log = logging.getLogger(__name__)

PARALLEL = 1
"""Slots a runner is assumed to have: Ollama's default OLLAMA_NUM_PARALLEL, which it tells nobody. A load measures."""

DOUBTED_BELOW = 0.9
DOUBTED_FROM = 0.75
"""Shares of its estimate between which a measured size is doubted: nobody can tell a size told too small by some bug
from a model that takes a little less than the formula says, and only one of the two overruns the machine."""

DOUBTED_UP_TO = 1.25
"""The same above the estimate: such a size is planned with, but alone it refuses nothing that the estimate admits."""

SMALL_NUM_CTX = 4096
"""The window of a model where nobody says: Ollama's default on a machine without a large GPU."""


class Sizes:
    """Bytes and load times of the models of one endpoint."""

    def __init__(self, shelf: Shelf, facts: Iterable[ModelFactsRecord]) -> None:
        """Begin with `facts`, the latest load last; what is on the disk is `shelf`'s knowledge."""
        self._shelf = shelf
        self._bytes: dict[tuple[str, int, int], int] = {}
        self._load_s: dict[str, float] = {}
        self._weights: dict[str, str] = {}
        """{name: the weights it stood for at its last load}, for names the shelf has not looked up yet."""
        self._distrusted: set[str] = set()
        for record in facts:
            self._weights[record.model] = record.weights
            if record.size_bytes:
                self._bytes[record.weights, record.num_ctx, record.parallel] = record.size_bytes
            if record.loads:
                self._load_s[record.weights] = record.load_s

    def measured_models(self) -> tuple[str, ...]:
        """Return the names by which a former life has loaded models here."""
        return tuple(self._weights)

    def size_of(self, model: Model) -> int:
        """Return what the model takes: as measured, else by its file and shape, else by the catalogue."""
        return self._expected(model.name, model.num_ctx, model.memory_bytes)

    def size_within(self, model: Model, bound_bytes: int) -> int:
        """Return what to plan with for a model that may have `bound_bytes` at most.

        That is `size_of`, but all of the bound where a measured size is a little above it and the estimate is not: it
        has been loaded before, and gets everything there is.
        """
        size = self.size_of(model)
        if size <= bound_bytes:
            return size
        estimate = self._estimate(model.name, model.num_ctx, model.memory_bytes)
        return bound_bytes if 0 < estimate <= bound_bytes and size <= DOUBTED_UP_TO * estimate else size

    def load_s(self, model: Model) -> float:
        """Return the model seconds its load takes: what the latest one took, else an estimate by its size."""
        learned = self._load_s.get(self._weights_of(model.name))
        return estimated_load_s(model.name, self.size_of(model), {}) if learned is None else learned

    def learn(self, entry: Entry, load_s: float | None) -> None:
        """Remember what a model takes, if that was measured, and how long its load took, if it was loaded."""
        if entry.measured:
            self._bytes[entry.weights, entry.num_ctx, PARALLEL] = entry.size_bytes
        if load_s is not None:
            self._load_s[entry.weights] = load_s

    def judge(self, name: str, found: LoadedModel, *, ours_num_ctx: int | None) -> tuple[int, bool]:
        """Return what to count for a loaded model, and whether that is its measured size.

        An implausible size is not believed, nor one a little below the estimate: what counts then is the larger of
        it and the estimate. A model of ours that somebody else has reloaded with another window counts at least what it
        will take again with ours.

        Args:
            ours_num_ctx: the window we load it with; None where it is somebody else's.
        """
        file_bytes = self._shelf.file_bytes(name)
        num_ctx = found.num_ctx or ours_num_ctx or SMALL_NUM_CTX
        estimate = self._estimate(name, num_ctx) if file_bytes else 0
        size, believed = found.size_bytes, True
        if not is_plausible(size, file_bytes=file_bytes, estimate_bytes=estimate):
            self._warn(name, size, estimate)
            size, believed = max(size, estimate), False
        elif DOUBTED_FROM * estimate <= size < DOUBTED_BELOW * estimate:
            size, believed = estimate, False
        if ours_num_ctx is not None and self._shelf.window_of(name, ours_num_ctx) != num_ctx:
            with_ours = self._expected(name, ours_num_ctx, 0)
            size, believed = max(size, with_ours), believed and size >= with_ours
        return size, believed

    def _expected(self, name: str, num_ctx: int, stated_bytes: int) -> int:
        measured = self._bytes.get((self._weights_of(name), num_ctx, PARALLEL))
        if measured is not None:
            return measured
        return self._estimate(name, num_ctx, stated_bytes) if self._shelf.file_bytes(name) else stated_bytes

    def _estimate(self, name: str, num_ctx: int, stated_bytes: int = 0) -> int:
        return estimated_bytes(
            self._shelf.file_bytes(name),
            self._shelf.facts_of(name),
            num_ctx=num_ctx,
            parallel=PARALLEL,
            stated_bytes=stated_bytes,
        )

    def _weights_of(self, name: str) -> str:
        weights = self._shelf.weights_of(name)
        return self._weights.get(name, weights) if weights == name else weights

    def _warn(self, name: str, size_bytes: int, estimate_bytes: int) -> None:
        weights = self._shelf.weights_of(name)
        if weights not in self._distrusted:
            self._distrusted.add(weights)
            log.warning(
                "/api/ps says that %s takes %.1f GB, which cannot be: it counts as %.1f GB",
                name,
                size_bytes / 1e9,
                max(size_bytes, estimate_bytes) / 1e9,
            )
