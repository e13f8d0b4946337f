"""What the owner of a machine prefers: how long turns wait at most, what waiting and loading are worth."""

from __future__ import annotations

from dataclasses import dataclass, field

from delegator.residency.lingering import Prices
from delegator.settings import ResidencySettings, Settings

PATIENCE_S = float(Settings.model_fields["turn_patience_s"].default)


@dataclass(frozen=True, slots=True)
class Policy:
    """What the owner of the machine prefers.

    Attributes:
        patience_s: model seconds a turn waits at most while others go first.
        parallel: turns at one time per model.
        prefetch: False to load on demand only.
    """

    patience_s: float = PATIENCE_S
    parallel: int = 1
    prices: Prices = field(default_factory=Prices)
    prefetch: bool = True


def policy_of(residency: ResidencySettings, *, patience_s: float = PATIENCE_S, parallel: int = 1) -> Policy:
    """Return the policy by the settings, for the production system as for the simulated one."""
    prices = Prices(wait=residency.wait_price, load=residency.load_price)
    return Policy(patience_s=patience_s, parallel=parallel, prices=prices, prefetch=residency.prefetch)
