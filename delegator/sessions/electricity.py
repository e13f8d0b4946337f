"""How much electricity a session took: as its machine's counters measured it, otherwise by a labelled model.

The model: so many watts for each GB in memory, so many more while a model speaks or is loaded. A measurement is what
the event that ends the session carries as `energy`: {joules, machine_joules, counters}, written by
`energy_meter.py`. What all roles resident would have taken can never be measured: it is the session's own figure, and
by the model what all roles would have taken more or less.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from delegator.schemas import Electricity, Event, PowerModel
from delegator.sessions.numbers import number
from delegator.sessions.use import Use, saved_ratio

ENERGY = "energy"
"""Where the event that ends a session carries what was measured."""

_S_PER_H = 3600.0


@dataclass(frozen=True, slots=True)
class Measured:
    """What the counters of the machine told. `joules` is the session's part of `machine_joules`."""

    joules: float
    machine_joules: float
    counters: tuple[str, ...]


def measured_in(ends: Sequence[Event]) -> Measured | None:
    """Return the measurement that the latest of the ending events carries; None where it carries none that holds."""
    told = ends[-1].data.get(ENERGY) if ends else None
    if not isinstance(told, dict):
        return None
    joules, machine = number(told.get("joules")), number(told.get("machine_joules"))
    if joules is None or machine is None or joules > machine:
        return None
    return Measured(joules, machine, _names(told.get("counters")))


def modelled_wh(use: Use, power: PowerModel) -> float:
    """Return the watt-hours that `use` takes by the model."""
    return (power.watts_per_gb * use.gb_seconds + power.watts_computing * use.computing_s) / _S_PER_H


def electricity(own: Use, all_roles: Use, power: PowerModel, measured: Measured | None) -> Electricity:
    """Return what the session took, and what all roles resident would have taken in its place."""
    all_wh = modelled_wh(all_roles, power)
    used_wh = modelled_wh(own, power)
    if measured is not None:
        all_wh = max(0.0, measured.joules / _S_PER_H + all_wh - used_wh)
        used_wh = measured.joules / _S_PER_H
    return Electricity(
        source="modelled" if measured is None else "measured",
        watt_hours=used_wh,
        all_roles_watt_hours=all_wh,
        saved_watt_hours=all_wh - used_wh,
        saved_ratio=saved_ratio(used_wh, all_wh),
        machine_watt_hours=None if measured is None else measured.machine_joules / _S_PER_H,
        counters=[] if measured is None else list(measured.counters),
    )


def _names(value: Any) -> tuple[str, ...]:
    return tuple(str(name) for name in value) if isinstance(value, list) else ()
