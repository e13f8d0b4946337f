"""What an idle model is worth in memory, and until when: its GB-seconds against the reload it may spare.

Holding a model of G GB costs G GB-seconds a second. If work for it comes while it is gone, somebody waits through its
load, and a disk and a processor do the load: both are priced in GB-seconds. With the chance of work in each coming
moment known (`returns.py`, and the turns already announced), the best moment to let go is the one up to which the
expected saving exceeds the expected cost by most. Neither "unload at once" nor "hold to the end" comes out of this in
general; both can.

Pure. Durations are model seconds from now, worths are GB-seconds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from delegator.settings import GB, ResidencySettings

_DEFAULTS = ResidencySettings()

GRID_S = (0.0, 3, 7, 12, 20, 30, 45, 60, 80, 100, 130, 160, 200, 250, 310, 400, 500, 650, 900, 1200, 1800, 2700, 3600)
"""Moments at which letting go is considered; work later than the last is not waited for."""


@dataclass(frozen=True, slots=True)
class Prices:
    """What waiting and loading are worth, in GB-seconds.

    Attributes:
        wait: of one second that somebody waits for a load. The lower, the sooner a first speaker's model is given up
            in a pause of some minutes; from some hundreds on memory is spent and hardly any time gained.
        load: of one second of loading that nobody waits for. The higher, the fewer loads.

    The defaults are the leanest that keep every goal of `bench/residency.py` (`docs/performance.md`).
    """

    wait: float = _DEFAULTS.wait_price
    load: float = _DEFAULTS.load_price


@dataclass(frozen=True, slots=True)
class MayReturn:
    """Work that may come at any moment.

    Attributes:
        cumulative: cumulative rate from now to a moment; rises from 0.
        saves: what having the model then is worth.
    """

    cumulative: Callable[[float], float]
    saves: float


@dataclass(frozen=True, slots=True)
class WillReturn:
    """Work that is announced for a moment `in_s` (above 0) from now. `saves`: what having the model then is worth."""

    in_s: float
    saves: float


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long to keep a model, seconds from now, and what that is worth; 0 and 0 where it should go at once."""

    for_s: float
    worth: float


GO = Keeping(0.0, 0.0)


def best_keeping(size_bytes: int, may: Sequence[MayReturn], will: Sequence[WillReturn]) -> Keeping:
    """Return until when keeping a model pays best.

    The walk ends with the first piece of work that comes: what follows that is decided anew then.
    """
    gb = size_bytes / GB
    best, worth, nobody_yet = GO, 0.0, 1.0
    before = [0.0] * len(may)
    for begin, end in _stretches(will):
        hazard = gain = 0.0
        for index, source in enumerate(may):
            until = source.cumulative(end)
            step, before[index] = until - before[index], until
            hazard += step
            gain += step * source.saves
        comes = -math.expm1(-hazard)
        if hazard > 0.0:
            worth += nobody_yet * comes * (gain / hazard)
            worth -= gb * nobody_yet * (comes / hazard) * (end - begin)
        else:
            worth -= gb * nobody_yet * (end - begin)
        nobody_yet *= 1.0 - comes
        due = [work.saves for work in will if work.in_s == end]
        if due:
            worth += nobody_yet * max(due)
            nobody_yet = 0.0
        if worth > best.worth:
            best = Keeping(end, worth)
        if nobody_yet < 1e-3:
            break
    return best


def _stretches(will: Sequence[WillReturn]) -> list[tuple[float, float]]:
    points = sorted({*GRID_S, *(work.in_s for work in will if 0.0 < work.in_s <= GRID_S[-1])}) if will else GRID_S
    return list(pairwise(points))
