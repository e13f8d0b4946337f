"""What the view *Models* shows: per endpoint what is in memory and on the disk, and what is missing. Pure.

Two replies are put together: `list_models` knows disks, roles and downloads; `resource_summary` who holds, works on,
pinned or loaded what is in memory. What can be done with a model stands in its row as controls.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from delegator.schemas import (
    EndpointInfo,
    ListModelsReply,
    ListRolesReply,
    ModelInfo,
    Pull,
    ResidentModel,
    ResourceSummaryReply,
)
from serve_app.formats import counted, gigabytes, one_line, percent
from serve_app.monitor.controls import Control
from serve_app.monitor.memory_bar import ModelPart, parts_of, tones_of, used_gb
from serve_app.monitor.model_controls import of_available, of_missing, of_pull, of_resident, pull_any
from serve_app.monitor.wording import BY_HAND, SIMULATED, role_label

NONE = "–"


@dataclass(frozen=True, slots=True)
class Progress:
    """A download that runs, was broken off or failed."""

    running: bool
    share: float
    """Of what is known of its size, 0 to 1."""
    words: str
    error: str
    controls: tuple[Control, ...]


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model on one endpoint, or on none."""

    model: str
    roles: str
    state: str
    flags: tuple[str, ...]
    """What else it is: working, pinned, foreign."""
    memory: str
    memory_mark: str
    disk: str
    holders: str
    problem: str
    progress: Progress | None
    controls: tuple[Control, ...]


@dataclass(frozen=True, slots=True)
class EndpointBlock:
    """One endpoint with what it has."""

    name: str
    url: str
    used: str
    overfull: bool
    parts: tuple[ModelPart, ...]
    suspect: str
    advice: str
    rows: tuple[ModelRow, ...]


@dataclass(frozen=True, slots=True)
class ModelsView:
    """All of the view *Models*."""

    catalogue: str
    disk: str
    mark: str
    notes: tuple[str, ...]
    endpoints: tuple[EndpointBlock, ...]
    missing: tuple[ModelRow, ...]
    controls: tuple[Control, ...]


def models_view(listed: ListModelsReply, resources: ResourceSummaryReply, roles: ListRolesReply) -> ModelsView:
    """Return what is drawn."""
    maker = _Rows(listed, resources, roles)
    missing = [model for model in listed.models if model.endpoint is None]
    return ModelsView(
        catalogue=one_line(listed.catalogue),
        disk=gigabytes(listed.disk_gb),
        mark=SIMULATED if listed.simulated else "",
        notes=tuple(one_line(note) for note in listed.notes),
        endpoints=tuple(maker.block(name) for name in maker.names),
        missing=tuple(maker.row(model, None) for model in sorted(missing, key=lambda model: not model.needed)),
        controls=pull_any(maker.names),
    )


class _Rows:
    """Makes blocks and rows, with both replies at hand."""

    def __init__(self, listed: ListModelsReply, resources: ResourceSummaryReply, roles: ListRolesReply) -> None:
        self._listed = listed
        self._infos: dict[str, EndpointInfo] = {info.endpoint: info for info in resources.endpoints}
        self._titles: Mapping[str, str] = {role.role: role.title for role in roles.roles}
        self._tones = tones_of(roles)
        self._simulated = listed.simulated
        name_of = {info.url: info.endpoint for info in resources.endpoints}
        self._residents: dict[str, list[ResidentModel]] = {}
        for model in resources.models:
            self._residents.setdefault(name_of.get(model.endpoint, model.endpoint), []).append(model)
        with_files = (model.endpoint for model in listed.models if model.endpoint is not None)
        self.names = tuple(dict.fromkeys((*self._infos, *with_files)))

    def block(self, name: str) -> EndpointBlock:
        info, residents = self._infos.get(name), self._residents.get(name, [])
        used, capacity = used_gb(residents), info.capacity_gb if info else 0.0
        return EndpointBlock(
            name=one_line(name),
            url=one_line(info.url) if info else "",
            used=f"{gigabytes(used)} of {gigabytes(capacity)} in use" if capacity else gigabytes(used),
            overfull=bool(capacity) and used > capacity,
            parts=parts_of(residents, capacity, self._tones),
            suspect=one_line(info.suspect or "") if info else "",
            advice=one_line(info.advice) if info else "",
            rows=self._rows_of(name, residents),
        )

    def _rows_of(self, name: str, residents: Sequence[ResidentModel]) -> tuple[ModelRow, ...]:
        by_name = {model.model: model for model in residents}
        listed = [model for model in self._listed.models if model.endpoint == name]
        listed.sort(key=lambda model: model.model not in by_name)  # what is in memory first, else as listed
        known = {model.model for model in listed}
        fileless = [model for model in residents if model.model not in known]
        return (
            *(self.row(model, by_name.get(model.model)) for model in listed),
            *(self.row(_without_file(model, name), model) for model in fileless),
        )

    def row(self, model: ModelInfo, resident: ResidentModel | None) -> ModelRow:
        """Return the row of a model; `resident`: it in memory, None where it is not."""
        in_memory = resident is not None
        memory_gb = resident.memory_gb if resident is not None else model.memory_gb
        origin = "measured" if in_memory or model.measured else "estimated"
        return ModelRow(
            model=one_line(model.model),
            roles=self._roles_of(model),
            state="resident" if in_memory else "missing" if model.endpoint is None else "available",
            flags=_flags(model, resident),
            memory=NONE if memory_gb is None else gigabytes(memory_gb),
            memory_mark="" if memory_gb is None else SIMULATED if self._simulated else origin,
            disk=NONE if model.disk_gb is None else gigabytes(model.disk_gb),
            holders=_holders(resident),
            problem=one_line(model.problem or ""),
            progress=_progress(model.pull),
            controls=_controls(model, resident, self.names),
        )

    def _roles_of(self, model: ModelInfo) -> str:
        own = ", ".join(role_label(role, self._titles.get(role)) for role in model.roles)
        spare = ", ".join(role_label(role, self._titles.get(role)) for role in model.fallback_of)
        said = [own] if own else []
        return "; ".join([*said, f"in reserve for {spare}"] if spare else said) or "no role uses it"


def _without_file(model: ResidentModel, endpoint: str) -> ModelInfo:
    """Return a model that is in memory though the endpoint's list has no file of it: it was removed, or is foreign."""
    return ModelInfo(
        model=model.model,
        endpoint=endpoint,
        state="resident",
        disk_gb=None,
        memory_gb=model.memory_gb,
        measured=True,
        roles=[],
        fallback_of=[],
        needed=False,
    )


def _flags(model: ModelInfo, resident: ResidentModel | None) -> tuple[str, ...]:
    if resident is None:
        return ("needed",) if model.needed else ()
    flags = {"working": resident.busy, "pinned": resident.pinned, "foreign": resident.foreign}
    return tuple(name for name, on in flags.items() if on)


def _holders(resident: ResidentModel | None) -> str:
    if resident is None:
        return NONE
    if resident.foreign:
        return "another program"
    sessions = sum(holder != BY_HAND for holder in resident.held_by)
    held = [counted(sessions, "session")] if sessions else []
    return ", ".join([*held, BY_HAND] if BY_HAND in resident.held_by else held) or "nobody"


def _progress(pull: Pull | None) -> Progress | None:
    if pull is None or pull.status == "completed":
        return None
    size = f"{gigabytes(pull.completed_gb)} of {gigabytes(pull.total_gb)}" if pull.total_gb else "size not known yet"
    so_far = f"{size}, {percent(pull.progress_ratio)}" if pull.total_gb else size
    running = pull.status == "running"
    return Progress(
        running=running,
        share=min(1.0, max(0.0, pull.progress_ratio)),
        words=f"{so_far}: {one_line(pull.phase)}" if running else f"{pull.status} at {so_far}",
        error=one_line(pull.error.message) if pull.error is not None else "",
        controls=of_pull(pull) if running else (),
    )


def _controls(model: ModelInfo, resident: ResidentModel | None, endpoints: Sequence[str]) -> tuple[Control, ...]:
    if model.pull is not None and model.pull.status == "running":
        return ()
    if resident is not None and model.endpoint is not None:
        return of_resident(resident, model.endpoint, on_disk=model.disk_gb is not None)
    if model.endpoint is None:
        return of_missing(model, endpoints)
    return of_available(model, model.endpoint)
