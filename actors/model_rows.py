"""One row for every model: what an endpoint has on its disk, and what of the catalogue no endpoint has.

Pure: made from what the endpoints said when they were asked. Who asks them is `model_library.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from actors.disk_messages import DiskView, PullView
from actors.host_handle import HostHandle
from actors.host_messages import HostView, ResidentView
from actors.parts import Parts
from actors.views import error_body
from delegator.ollama.names import normalise
from delegator.residency.fit import Knowledge, Machine, RoleFit, fit_catalogue
from delegator.schemas import Complexity, ModelInfo, Pull
from delegator.settings import GB

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Place:
    """One endpoint as it stands."""

    host: HostHandle
    disk: DiskView
    memory: HostView

    def resident(self, name: str) -> ResidentView | None:
        """Return the model of that name if it is in memory."""
        return next((r for r in self.memory.residents if r.model == name and r.resident), None)


class ModelRows:
    """Makes the rows, with what the parts know of sizes and roles."""

    def __init__(self, parts: Parts) -> None:
        """Read from these parts."""
        self._parts = parts

    def all(self, places: Sequence[Place]) -> list[ModelInfo]:
        """Return the rows of every endpoint in turn, then those of missing models."""
        return [
            *(self._installed(place, model.name) for place in places for model in place.disk.models),
            *self._missing(places),
        ]

    @property
    def limit_bytes(self) -> int:
        """Most a single session may hold, whatever its task."""
        limits = self._parts.settings.complexity_limits
        return round(max(limits.of(level).max_memory_gb for level in Complexity) * GB)

    def machine(self, place: Place) -> Machine:
        """Return what bounds models on an endpoint."""
        memory = place.memory.snapshot
        return Machine(memory.capacity_bytes, self.limit_bytes, memory.max_models)

    def known(self, place: Place) -> Knowledge:
        """Return what is known of models on an endpoint."""
        return Knowledge(self._parts.recorder.sizes, place.disk.hopeless)

    def _installed(self, place: Place, name: str) -> ModelInfo:
        model, resident = place.disk.find(name), place.resident(name)
        assert model is not None  # noqa: S101 - the name is from this very list
        return self._row(
            name,
            endpoint=place.host.endpoint_id,
            state="resident" if resident else "available",
            disk_gb=model.size_bytes / GB,
            problem=model.against,
            held_by=list(resident.holders) if resident else [],
            pinned=name in place.memory.pins,
            **self._memory(name, resident),
            pull=self._pull(place.host, place.disk.pull_of(name)),
        )

    def _missing(self, places: Sequence[Place]) -> list[ModelInfo]:
        """Return a row for every model of the catalogue, and every one on its way, that no disk has."""
        installed = {model.name for place in places for model in place.disk.models}
        needed = {normalise(name) for name in self._needed(places)}
        coming = [pull.model for place in places for pull in place.disk.pulls if pull.running]
        names = dict.fromkeys([*map(normalise, self._parts.catalogue.models), *coming])
        return [
            self._row(
                name,
                endpoint=None,
                state="missing",
                disk_gb=None,
                **self._memory(name, None),
                needed=name in needed,
                problem=first(why for place in places for of, why in place.disk.hopeless.items() if same(of, name)),
                pull=first(self._pull(place.host, pull) for place in places if (pull := place.disk.pull_of(name))),
            )
            for name in names
            if name not in installed
        ]

    def _row(self, name: str, **facts: object) -> ModelInfo:
        catalogue = self._parts.catalogue
        roles = catalogue.roles.values()
        others = {role.name: (*role.fallbacks, *catalogue.models[role.model].smaller) for role in roles}
        own = [role.name for role in roles if same(role.model, name)]
        spare = [role for role, models in others.items() if any(same(other, name) for other in models)]
        return ModelInfo.model_validate(
            {"model": name, "roles": own, "fallback_of": spare, "needed": False, "measured": False, **facts}
        )

    def _memory(self, name: str, resident: ResidentView | None) -> dict[str, object]:
        """Return size in memory and whether it is measured: of the loaded copy, else of an earlier one, else none."""
        if resident is not None:
            return {"memory_gb": resident.size_bytes / GB, "measured": resident.measured}
        measured = self._parts.recorder.sizes.get(name)
        if measured is not None:
            return {"memory_gb": measured / GB, "measured": True}
        estimate = first(m.memory_bytes for m in self._parts.catalogue.models.values() if same(m.name, name))
        return {"memory_gb": None if estimate is None else estimate / GB}

    def _needed(self, places: Sequence[Place]) -> set[str]:
        """Return the models that roles would use on these machines and no disk has."""
        installed = {model.name for place in places for model in place.disk.models}
        fits = [
            fit_catalogue(self._parts.catalogue, self.machine(place), known=self.known(place)).roles for place in places
        ]
        best = [_best(options) for options in zip(*fits, strict=True)]
        return {role.uses for role in best if role.uses is not None and normalise(role.uses) not in installed}

    def _pull(self, host: HostHandle, pull: PullView | None) -> Pull | None:
        return None if pull is None else self.told(host, pull)

    def told(self, host: HostHandle, pull: PullView) -> Pull:
        """Return a download as callers see it."""
        return Pull(
            model=pull.model,
            endpoint=host.endpoint_id,
            status=pull.status,
            phase=pull.phase,
            completed_gb=pull.completed_bytes / GB,
            total_gb=pull.total_bytes / GB,
            progress_ratio=pull.completed_bytes / pull.total_bytes if pull.total_bytes else 0.0,
            seconds=pull.seconds,
            started=pull.started,
            error=None if pull.error is None else error_body(pull.error),
            simulated=self._parts.simulated,
        )


def same(name: str, other: str) -> bool:
    """Return whether two names mean one model."""
    return normalise(name) == normalise(other)


def first(values: Iterable[Value]) -> Value | None:
    """Return the first of the values, None where there are none."""
    return next(iter(values), None)


def _best(options: Sequence[RoleFit]) -> RoleFit:
    """Return how one role fits the endpoint that suits it best: with its own model, else with any."""
    return min(options, key=lambda fit: (fit.uses is None, fit.uses != fit.wanted))
