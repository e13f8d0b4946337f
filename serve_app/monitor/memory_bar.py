"""The bar of a host's memory: one part for each model that is resident. Pure; the views *Now* and *Models* draw it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from delegator.schemas import ListRolesReply, ResidentModel
from serve_app.formats import counted, gigabytes, one_line

TONES = 9
"""Colours in the palette of `monitor.css`."""


@dataclass(frozen=True, slots=True)
class ModelPart:
    """One model as a part of the bar; `share` of the bar's length, 0 to 1."""

    model: str
    memory: str
    share: float
    tone: int
    """Which colour of the palette; the same model keeps its colour while others come and go."""
    holders: str
    busy: bool
    foreign: bool
    pinned: bool


def tones_of(roles: ListRolesReply) -> dict[str, int]:
    """Return the colour of each model of the catalogue."""
    return {name: tone % TONES for tone, name in enumerate(dict.fromkeys(role.model for role in roles.roles))}


def used_gb(models: Sequence[ResidentModel]) -> float:
    """Return what models take together."""
    return sum(model.memory_gb for model in models)


def parts_of(models: Sequence[ResidentModel], capacity_gb: float, tones: Mapping[str, int]) -> tuple[ModelPart, ...]:
    """Return the parts of the bar, which is as long as the capacity, or as what is resident where that is more."""
    whole_gb = max(capacity_gb, used_gb(models)) or 1.0
    return tuple(_part(model, whole_gb, tones) for model in models)


def _part(model: ResidentModel, whole_gb: float, tones: Mapping[str, int]) -> ModelPart:
    return ModelPart(
        model=one_line(model.model),
        memory=gigabytes(model.memory_gb),
        share=model.memory_gb / whole_gb,
        tone=tones.get(model.model, TONES - 1),
        holders="loaded by another program" if model.foreign else f"held by {counted(len(model.held_by), 'session')}",
        busy=model.busy,
        foreign=model.foreign,
        pinned=model.pinned,
    )
