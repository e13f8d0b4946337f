"""The policies that are compared, by name, and a run of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from delegator.residency.dispatcher import Policy
from delegator.simulation.meter import Meter
from delegator.simulation.ours import DelegatorResidency
from delegator.simulation.rivals import EverythingResident, OllamaResidency
from delegator.simulation.workload import Machine, Workload
from delegator.simulation.world import ResidencyPolicy, World

OURS = "delegator"

POLICIES: Mapping[str, Callable[[World, Policy | None], ResidencyPolicy]] = {
    OURS: DelegatorResidency,
    "ollama": lambda world, _: OllamaResidency(world),
    "ollama_forever": lambda world, _: OllamaResidency(world, keep_alive_s=None),
    "all_nine": lambda world, _: EverythingResident(world),
}
"""{name: policy}: ours; Ollama as it comes, with a keep-alive of five minutes; with one without end; all at once."""


def run_policy(workload: Workload, machine: Machine, policy: str, ours: Policy | None = None) -> Meter:
    """Let a policy serve a workload.

    Args:
        workload: every model of it fits the machine by itself.
        machine: what there is.
        policy: a name of `POLICIES`.
        ours: how Delegator weighs; None: as by the settings' defaults.

    Raises:
        ValueError: the policy cannot run on this machine.
    """
    world = World(workload, machine)
    return world.run(POLICIES[policy](world, ours))
