"""Why a session has its team, and what that took: its analysis and its receipt as they are drawn. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from delegator.schemas import Reason, Receipt, TaskAnalysis
from serve_app.formats import amount, duration, gigabyte_seconds, gigabytes, percent, watt_hours
from serve_app.monitor.wording import SIMULATED, excerpt, words


@dataclass(frozen=True, slots=True)
class Need:
    """Whether one role is needed."""

    label: str
    chosen: bool
    share: float
    percent: str
    because: str
    flip: str


@dataclass(frozen=True, slots=True)
class OtherTeam:
    """Another team for the same task."""

    change: str
    memory: str
    because: str


@dataclass(frozen=True, slots=True)
class AnalysisBlock:
    """What the task was read as, and why."""

    reading: str
    reasoning: str
    reasons: tuple[tuple[str, str], ...]
    """(what, because)"""
    needs: tuple[Need, ...]
    alternatives: tuple[OtherTeam, ...]
    second: str
    notes: tuple[str, ...]


def analysis_of(analysis: TaskAnalysis, labels: Mapping[str, str]) -> AnalysisBlock:
    """Return the analysis as it is drawn."""
    second = analysis.second_reading
    return AnalysisBlock(
        reading=f"{words(analysis.task_type.value)}, {words(analysis.complexity.value)} complexity; "
        f"confidence {analysis.confidence} ({percent(analysis.probability)})",
        reasoning=excerpt(analysis.reasoning),
        reasons=tuple((excerpt(_about(reason)), excerpt(reason.because)) for reason in analysis.reasons),
        needs=tuple(
            Need(
                label=labels.get(need.role, need.role),
                chosen=need.chosen,
                share=min(1.0, max(0.0, need.need)),
                percent=percent(need.need),
                because=excerpt(need.because),
                flip=excerpt(need.flip),
            )
            for need in analysis.needs
        ),
        alternatives=tuple(
            OtherTeam(excerpt(other.change), gigabytes(other.memory_gb), excerpt(other.because))
            for other in analysis.alternatives
        ),
        second=f"It may mean {words(second.task_type.value)} instead ({percent(second.probability)})."
        if second
        else "",
        notes=tuple(excerpt(note) for note in analysis.notes),
    )


@dataclass(frozen=True, slots=True)
class Compared:
    """One figure of the session against all roles of the catalogue; lengths are parts of the longer one."""

    title: str
    used: str
    used_share: float
    everyone: str
    everyone_share: float
    saved: str


@dataclass(frozen=True, slots=True)
class AccountBlock:
    """The receipt as it is drawn."""

    final: bool
    mark: str
    sizes: str
    everyone: str
    """Whom it is compared with, such as 'all 9 roles'."""
    compared: tuple[Compared, ...]
    figures: tuple[tuple[str, str], ...]
    """(what, how much)"""
    roles: tuple[tuple[str, str, str, str], ...]
    """(role, turns, tokens, speaking)"""


def account_of(receipt: Receipt, labels: Mapping[str, str]) -> AccountBlock:
    """Return the receipt as it is drawn."""
    return AccountBlock(
        final=receipt.final,
        mark=SIMULATED if receipt.simulated else "",
        sizes=f"sizes {receipt.sizes}, those of all roles {receipt.baseline}",
        everyone=f"all {receipt.agents_total} roles",
        compared=tuple(_comparisons(receipt)),
        figures=(
            ("Agents", f"{receipt.agents_used} of {receipt.agents_total}"),
            ("Lasted", duration(receipt.duration_seconds)),
            ("Speaking", duration(receipt.speaking_seconds)),
            ("Waited for models", duration(receipt.waiting_seconds)),
            ("Model loads", f"{receipt.loads} in {duration(receipt.load_seconds)}, {receipt.swaps} swapped out"),
            ("Tokens", f"{receipt.prompt_tokens:,} read, {receipt.reply_tokens:,} written"),
        ),
        roles=tuple(
            (
                labels.get(role.role, role.role),
                f"{role.turns:,}",
                f"{role.prompt_tokens:,} / {role.reply_tokens:,}",
                duration(role.speaking_seconds),
            )
            for role in receipt.roles
        ),
    )


def _comparisons(receipt: Receipt) -> list[Compared]:
    found = [
        _compared("Memory at its peak", receipt.peak_gb, receipt.all_roles_gb, gigabytes, receipt.memory_saved_ratio),
        _compared(
            "Memory over time",
            receipt.gb_seconds,
            receipt.all_roles_gb_seconds,
            gigabyte_seconds,
            receipt.gb_seconds_saved_ratio,
        ),
    ]
    if (power := receipt.electricity) is not None:
        title = f"Electricity ({power.source})"
        found.append(_compared(title, power.watt_hours, power.all_roles_watt_hours, watt_hours, power.saved_ratio))
    if (money := receipt.money) is not None:
        found.append(
            _compared(
                "Cost",
                money.used.total,
                money.all_roles.total,
                lambda value: amount(value, money.currency),
                money.saved_ratio,
            )
        )
    return found


def _compared(title: str, used: float, everyone: float, write: Callable[[float], str], saved: float) -> Compared:
    longest = max(used, everyone) or 1.0
    return Compared(
        title=title,
        used=write(used),
        used_share=max(0.0, used) / longest,
        everyone=write(everyone),
        everyone_share=max(0.0, everyone) / longest,
        saved=f"{percent(saved)} saved" if saved >= 0 else f"{percent(-saved)} more",
    )


def _about(reason: Reason) -> str:
    decisive = ", ".join(reason.words)
    return f"{words(reason.about)}: {decisive}" if decisive else words(reason.about)
