"""The six rules: each a function from one figure and its limit to a finding.

A rule says how a figure stands at one look. Whether that is worth an alert is decided over time by `watch.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from delegator.alerts.figures import DiskFigures, DriftFigures, EndpointFigures, Figures
from delegator.errors import HostSuspect
from delegator.schemas import AlertRule
from delegator.settings import AlertSettings

SYSTEM = "system"
"""The subject of what is about no part in particular."""


class Standing(Enum):
    """How a figure stands to its rule at one look."""

    BROKEN = "broken"
    UNCERTAIN = "uncertain"
    """Kept, but not by enough to say that it is well again; or it could not be measured."""
    WELL = "well"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule says of one subject.

    Attributes:
        message: what is the case, with its figure.
        hint: what would help.
        value, limit: the figure and where the rule breaks, in the rule's unit; None where it has none, and a value
            where it is not known.
    """

    rule: AlertRule
    subject: str
    standing: Standing
    message: str
    hint: str
    value: float | None = None
    limit: float | None = None


def findings(figures: Figures, limits: AlertSettings) -> list[Finding]:
    """Return what every rule that is on says of every subject that was measured."""
    endpoints = figures.endpoints or ()
    restarts = figures.restarts or {}
    found = [
        *(memory(endpoint, limits) for endpoint in endpoints),
        *(queue_wait(endpoint, limits) for endpoint in endpoints),
        *(suspect_host(endpoint, limits) for endpoint in endpoints),
        *(crash_loop(role, number, limits) for role, number in restarts.items()),
        drift(figures.drift, limits),
        disk(figures.disk, limits) if figures.disk is not None else None,
    ]
    return [finding for finding in found if finding is not None]


def memory(endpoint: EndpointFigures, limits: AlertSettings) -> Finding | None:
    """Models take more than a share of an endpoint's capacity. None: the rule is off."""
    limit = limits.memory_share
    if not limit or endpoint.capacity_gb <= 0:
        return None
    share = endpoint.used_gb / endpoint.capacity_gb
    return Finding(
        "memory",
        endpoint.endpoint,
        Standing.UNCERTAIN if endpoint.suspect is not None else _at_most(share, limit, limits),
        f"The models on {endpoint.endpoint} take {endpoint.used_gb:.1f} of {endpoint.capacity_gb:.1f} GB, "
        f"{_percent(share)}; {_percent(limit)} are allowed.",
        "End sessions that are not needed (end_session), unload what nobody uses (unload_model), or give the models "
        "more memory (--memory).",
        None if endpoint.suspect is not None else round(share, 4),
        limit,
    )


def queue_wait(endpoint: EndpointFigures, limits: AlertSettings) -> Finding | None:
    """A turn has waited too long, in model seconds. None: the rule is off."""
    limit, longest = limits.queue_wait_s, endpoint.longest_wait
    if not limit:
        return None
    waited_s = longest.waited_s if longest is not None else 0.0
    unknown = longest is None and endpoint.suspect is not None
    if longest is None:
        message = f"No turn waits on {endpoint.endpoint}."
    else:
        who = f"{longest.role or 'A role'} of {longest.session_id}"
        message = f"{who} has waited {waited_s:.0f} s for {longest.model} on {endpoint.endpoint}"
        message += f"; {limit:.0f} s are allowed."
    return Finding(
        "queue_wait",
        endpoint.endpoint,
        Standing.UNCERTAIN if unknown else _at_most(waited_s, limit, limits),
        message,
        "resource_summary shows what waits for what; end a session, or give the models more memory.",
        None if unknown else round(waited_s, 1),
        limit,
    )


def suspect_host(endpoint: EndpointFigures, limits: AlertSettings) -> Finding | None:
    """An Ollama is not to be trusted. None: the rule is off."""
    if not limits.suspect_host:
        return None
    name, suspect = endpoint.endpoint, endpoint.suspect
    if suspect is None:
        return Finding("suspect_host", name, Standing.WELL, f"Nothing speaks against {name}.", "")
    return Finding("suspect_host", name, Standing.BROKEN, f"{name} is suspect: {suspect}.", HostSuspect.hint)


def crash_loop(role: str, crashes: int, limits: AlertSettings) -> Finding | None:
    """One agent's process dies again and again. None: the rule is off."""
    limit = limits.crash_loop
    if not limit:
        return None
    return Finding(
        "crash_loop",
        role,
        _at_most(crashes, limit, limits, broken=crashes >= limit),
        f"The agent {role} was lost {crashes} times within {limits.crash_loop_s:.0f} s; "
        f"{limit} times are taken for a loop.",
        "list_events shows why each time (agent_restarted). A process that is killed by the system lacks memory.",
        crashes,
        limit,
    )


def drift(figures: DriftFigures, limits: AlertSettings) -> Finding | None:
    """What is shown was not found equal to reality for too long, or could not be compared.

    None: the rule is off, or nothing is known of any comparison.
    """
    limit, age_s = limits.drift_s, figures.age_s
    if not limit or (age_s is None and not figures.failed):
        return None
    standing = Standing.WELL if age_s is None else _at_most(age_s, limit, limits)
    message = ""
    if age_s is not None:
        message = f"What is shown was compared with Ollama and Ray {age_s:.0f} s ago; {limit:.0f} s are allowed."
    if figures.failed:
        standing = Standing.BROKEN
        message = f"What is shown could not be compared with what is: {'; '.join(figures.failed)}."
    return Finding(
        "drift",
        SYSTEM,
        standing,
        message,
        "What is shown may be out of date. cleanup_orphaned_agents compares now; its error says what is in the way.",
        None if age_s is None else round(age_s, 1),
        limit,
    )


def disk(figures: DiskFigures, limits: AlertSettings) -> Finding | None:
    """The disk of the record is nearly full. None: the rule is off."""
    limit, free_gb = limits.disk_free_gb, figures.free_gb
    if not limit:
        return None
    well = Standing.WELL if free_gb * limits.clear_share >= limit else Standing.UNCERTAIN
    return Finding(
        "disk",
        figures.folder,
        Standing.BROKEN if free_gb < limit else well,
        f"{figures.folder} has {free_gb:.1f} GB free; {limit:.1f} GB are needed.",
        "Make room on its disk: once it is full, PostgreSQL stops and with it everything that is to be recorded.",
        round(free_gb, 2),
        limit,
    )


def in_words(limits: AlertSettings) -> list[str]:
    """Return the rules that are on, with their limits."""
    return [
        words
        for limit, words in (
            (limits.memory_share, f"memory: models take more than {_percent(limits.memory_share)} of an endpoint"),
            (limits.queue_wait_s, f"queue_wait: a turn has waited longer than {limits.queue_wait_s:g} model seconds"),
            (limits.suspect_host, "suspect_host: an Ollama is suspect"),
            (
                limits.crash_loop,
                f"crash_loop: an agent was lost {limits.crash_loop} times within {limits.crash_loop_s:g} s",
            ),
            (limits.drift_s, f"drift: what is shown was not compared with what is for {limits.drift_s:g} s"),
            (limits.disk_free_gb, f"disk: less than {limits.disk_free_gb:g} GB free where the record is kept"),
        )
        if limit
    ]


def _at_most(value: float, limit: float, limits: AlertSettings, *, broken: bool | None = None) -> Standing:
    if value > limit if broken is None else broken:
        return Standing.BROKEN
    return Standing.WELL if value <= limit * limits.clear_share else Standing.UNCERTAIN


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %"
