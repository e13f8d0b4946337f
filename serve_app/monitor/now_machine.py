"""What the view *Now* shows of the machine: models in memory by host, turns that wait, and whether that is so. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from delegator.schemas import Drift, ListRolesReply, QueuedTurn, ResidentModel, ResourceSummaryReply
from serve_app.formats import counted, gigabytes, one_line
from serve_app.monitor.memory_bar import ModelPart, parts_of, tones_of, used_gb
from serve_app.monitor.wording import SIMULATED, excerpt, role_label, uptime


@dataclass(frozen=True, slots=True)
class HostMemory:
    """The models in the memory of one host against what there is."""

    name: str
    """Empty where there is only one."""
    parts: tuple[ModelPart, ...]
    used: str
    capacity: str
    free: str
    overfull: bool
    trouble: str
    """Why no work is sent there; empty where it is well."""


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One turn that waits."""

    key: str
    place: str
    who: str
    model: str
    endpoint: str
    waited_s: float
    eta_s: float | None
    session_id: str


@dataclass(frozen=True, slots=True)
class DriftBadge:
    """Whether what is shown is what is so."""

    state: str
    """equal, mended, unknown"""
    words: str
    details: tuple[str, ...]


def origin_of_sizes(*, simulated: bool) -> str:
    """Say where sizes of resident models come from."""
    return SIMULATED if simulated else "measured"


def hosts_of(resources: ResourceSummaryReply, roles: ListRolesReply) -> tuple[HostMemory, ...]:
    """Return what is resident on each host; one without a name where only the sum is known."""
    tones = tones_of(roles)
    if len(resources.endpoints) < 2:
        trouble = resources.endpoints[0].suspect if resources.endpoints else None
        return (_host("", resources.capacity_gb, resources.models, trouble, tones),)
    return tuple(
        _host(
            one_line(host.endpoint),
            host.capacity_gb,
            [model for model in resources.models if model.endpoint in (host.url, host.endpoint)],
            host.suspect,
            tones,
        )
        for host in resources.endpoints
    )


def _host(
    name: str, capacity_gb: float, models: Sequence[ResidentModel], trouble: str | None, tones: Mapping[str, int]
) -> HostMemory:
    used = used_gb(models)
    return HostMemory(
        name=name,
        parts=parts_of(models, capacity_gb, tones),
        used=gigabytes(used),
        capacity=gigabytes(capacity_gb),
        free=gigabytes(max(0.0, capacity_gb - used)),
        overfull=used > capacity_gb,
        trouble=excerpt(trouble or ""),
    )


def queue_row(turn: QueuedTurn, titles: Mapping[str, str]) -> QueueRow:
    """Return one turn that waits."""
    return QueueRow(
        key=f"{turn.endpoint} {turn.position} {turn.session_id} {turn.role}",
        place=str(turn.position),
        who=role_label(turn.role, titles.get(turn.role)) if turn.role else "first model of a session",
        model=one_line(turn.model),
        endpoint=one_line(turn.endpoint),
        waited_s=round(turn.waited_seconds, 1),
        eta_s=None if turn.eta_seconds is None else round(turn.eta_seconds, 1),
        session_id=turn.session_id,
    )


def drift_badge(drift: Drift | None) -> DriftBadge:
    """Return whether what is shown was what Ollama and Ray say when that was last compared."""
    if drift is None:
        return DriftBadge("unknown", "not compared with Ollama and Ray yet", ())
    details = tuple(excerpt(text) for text in (*drift.failed, *drift.differences))
    return DriftBadge(drift.state, _drift_in_words(drift), details)


def _drift_in_words(drift: Drift) -> str:
    if drift.age_seconds is None:
        return "not compared with Ollama and Ray yet"
    age = uptime(drift.age_seconds)
    if drift.state == "unknown":
        what = "not all could be compared" if drift.failed else "not compared with Ollama and Ray of late"
        return f"{what}, last {age} ago"
    if drift.state == "mended":
        return f"{counted(len(drift.differences), 'difference')} mended {age} ago"
    return f"equal to Ollama and Ray {age} ago"
