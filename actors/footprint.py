"""Memory reckoned with where it is not measured: of the agents' own processes, and of a simulated machine."""

from __future__ import annotations

from delegator.roles.catalogue import Catalogue
from delegator.settings import GB

AGENT_MEMORY_BYTES = 60_000_000
"""What an agent's process holds of its own: 57 MB measured (Ray 2.60, Python 3.11), rounded up."""

SIMULATED_BYTES = 64 * GB
"""What a simulated host is said to have, where nothing else is set: all nine roles of the catalogue fit one by one."""


def agents_bytes(catalogue: Catalogue) -> int:
    """Return what the processes of all roles hold."""
    return AGENT_MEMORY_BYTES * len(catalogue.roles)


def left_for_models(given_bytes: int, catalogue: Catalogue) -> int:
    """Return what of the memory given models may take: less what the agents' own processes hold."""
    return max(1, given_bytes - agents_bytes(catalogue))
