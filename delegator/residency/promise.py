"""What a plan has promised to do to memory, and what stands against keeping it when it is to be applied.

Pure. A promise is kept only whole: where it cannot be, every reason is named, each in a sentence. What differs without
doing harm, such as a model that is in memory by now, is told but is no reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from delegator.residency.foreseen import Forecast
from delegator.settings import GB

SIZE_SLACK_RATIO = 0.01
"""Share by which a model may measure larger than promised before that counts."""


@dataclass(frozen=True, slots=True)
class Promise:
    """What a plan has told.

    Attributes:
        sizes: {model: bytes} of what the team speaks with.
        reused: models it found in memory.
        evicted: models of others, or of nobody, that would leave.
        waits_for: models that would be waited for.
        in_turns: whether its own models take turns.
    """

    sizes: Mapping[str, int]
    reused: tuple[str, ...]
    evicted: tuple[str, ...]
    waits_for: tuple[str, ...]
    in_turns: bool

    @classmethod
    def of(cls, foreseen: Forecast, sizes: Mapping[str, int]) -> Self:
        """Return what a forecast promises. `sizes`: of every model of the team, others do no harm."""
        models = {turn.model for turn in foreseen.turns}
        own = {model: size for model, size in sizes.items() if model in models}
        return cls(own, foreseen.reused, foreseen.evicted, foreseen.waits_for, foreseen.in_turns)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON can say it; `from_json` reads it again."""
        return asdict(self)

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        """Read what `as_json` has said."""
        lists = {name: tuple(told[name]) for name in ("reused", "evicted", "waits_for")}
        return cls(sizes=dict(told["sizes"]), in_turns=bool(told["in_turns"]), **lists)


def broken(promise: Promise, foreseen: Forecast, sizes: Mapping[str, int]) -> list[str]:
    """Return why a promise cannot be kept any more; empty when it can.

    Args:
        promise: what was told.
        foreseen: what the very same team in the very same places would do now.
        sizes: {model: bytes} as they are known now.
    """
    reasons = []
    for model, size in promise.sizes.items():
        now = sizes.get(model, size)
        if now > size * (1 + SIZE_SLACK_RATIO):
            reasons.append(f"{model} takes {now / GB:.1f} GB and not {size / GB:.1f} GB.")
    if foreseen.impossible is not None:
        model, refusal = foreseen.impossible
        reasons.append(f"{model} needs {_gb(refusal.needed_bytes)} and {_gb(refusal.capacity_bytes)} are there.")
    reasons += [f"{model} would have to leave memory too." for model in _new(foreseen.evicted, promise.evicted)]
    waited_for = _new(foreseen.waits_for, promise.waits_for)
    reasons += [f"It would have to wait for memory that {model} takes now." for model in waited_for]
    if foreseen.in_turns and not promise.in_turns:
        reasons.append("The team's models would have to take turns.")
    return reasons


def remarks(promise: Promise, foreseen: Forecast) -> list[str]:
    """Return what differs from a promise that is kept."""
    told = [
        f"{model} is not in memory any more and is loaded." for model in promise.reused if model not in foreseen.reused
    ]
    told += [
        f"{model} is in memory already and need not be loaded."
        for model in foreseen.reused
        if model not in promise.reused
    ]
    return told + [f"{model} need not leave memory." for model in _new(promise.evicted, foreseen.evicted)]


def _new(now: tuple[str, ...], before: tuple[str, ...]) -> list[str]:
    return [model for model in now if model not in before]


def _gb(size_bytes: int) -> str:
    return f"{size_bytes / GB:.1f} GB"
