"""Planning decisions a second on one core: the choice of an endpoint, and the plan for the model there.

Twenty hosts of 24 to 64 GB, fifty models of 2 to 45 GB of which each host has about three quarters on its disk, and a
hundred sessions that want them, a few models much more often than the others. Every plan is carried out before the next
wish, so that each decision meets memory as the one before left it; working that out again is counted too. Nothing is
loaded: only the deciding is timed, by the functions that run in production.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from delegator.residency.placement import Candidate, HostState, place
from delegator.residency.planner import Load, Plan, Resident, Reuse, Snapshot, Wish, plan_residency
from delegator.settings import GB

HOSTS, MODELS, SESSIONS = 20, 50, 100
BUSY = 12
"""Turns that run at any one time: the model of the oldest falls idle when another begins."""
GOAL_PER_S = 5_000


@dataclass
class World:
    """The hosts and what is in their memory; changed by every plan."""

    hosts: dict[str, HostState]
    running: list[tuple[str, str]]
    step: int = 0

    def carry_out(self, endpoint_id: str, wish: Wish, plan: Plan) -> None:
        """Put memory into the state after a plan, with a turn of the session on the model."""
        if not isinstance(plan, Reuse | Load):
            self._end_oldest()
            return
        self.step += 1
        here = [r for r in self.hosts[endpoint_id].snapshot.residents if r.model not in plan.evict]
        known = next((r for r in here if r.model == wish.model), Resident(wish.model, wish.size_bytes))
        others = [
            replace(r, holders=r.holders - {wish.session_id}) if r.model in plan.release else r
            for r in here
            if r.model != wish.model
        ]
        holders = known.holders | {wish.session_id}
        coming = replace(known, holders=holders, busy=True, last_used=float(self.step), worth=float(self.step % 97))
        self._put(endpoint_id, [*others, coming])
        self.running.append((endpoint_id, wish.model))
        if len(self.running) > BUSY:
            self._end_oldest()

    def _end_oldest(self) -> None:
        if not self.running:
            return
        ended = endpoint_id, model = self.running.pop(0)
        if ended not in self.running:
            residents = self.hosts[endpoint_id].snapshot.residents
            self._put(endpoint_id, [replace(r, busy=False) if r.model == model else r for r in residents])

    def _put(self, endpoint_id: str, residents: Sequence[Resident]) -> None:
        before = self.hosts[endpoint_id]
        snapshot = replace(before.snapshot, residents=tuple(residents))
        self.hosts[endpoint_id] = HostState.of(
            endpoint_id, snapshot, queues=before.queues, suspect=before.suspect, order=before.order
        )


def make_world(chance: random.Random) -> tuple[World, dict[str, tuple[int, list[Candidate]]]]:
    """Return empty hosts, and for each model its bytes and where it could run."""
    hosts = {
        f"host-{number}": HostState.of(
            f"host-{number}",
            Snapshot(chance.choice((24, 32, 48, 64)) * GB),
            queues={},
            suspect=number == HOSTS - 1,
            order=number,
        )
        for number in range(HOSTS)
    }
    models = {}
    for number in range(MODELS):
        name, size = f"model-{number}", round(chance.uniform(2, 45) * GB)
        installed = [endpoint_id for endpoint_id in hosts if chance.random() < 0.75]
        models[name] = size, [Candidate(endpoint_id, name, size) for endpoint_id in installed]
    return World(hosts, []), models


def measure(decisions: int, seed: int) -> dict[str, object]:
    """Take that many decisions; return how fast they came and which they were."""
    chance = random.Random(seed)
    world, models = make_world(chance)
    names = chance.choices(list(models), weights=[1 / (n + 10) for n in range(MODELS)], k=decisions)
    sessions = [f"session-{chance.randrange(SESSIONS)}" for _ in range(decisions)]
    kinds: Counter[str] = Counter()
    residents = 0
    begun = time.perf_counter()
    for name, session_id in zip(names, sessions, strict=True):
        size, candidates = models[name]
        chosen = place(world.hosts, candidates)
        if chosen is None:
            kinds["none"] += 1
            continue
        wish = Wish(name, size, session_id, 50 * GB)
        plan = plan_residency(world.hosts[chosen.endpoint_id].snapshot, wish)
        kinds[type(plan).__name__.lower()] += 1
        residents += len(world.hosts[chosen.endpoint_id].has)
        world.carry_out(chosen.endpoint_id, wish, plan)
    took_s = time.perf_counter() - begun
    return {
        "seed": seed,
        "hosts": HOSTS,
        "models": MODELS,
        "decisions": decisions,
        "decisions_per_s": round(decisions / took_s),
        "goal_per_s": GOAL_PER_S,
        "residents_at_the_chosen_host": round(residents / decisions, 1),
        "plans": dict(sorted(kinds.items())),
    }


def main() -> None:
    """Measure for each seed and print."""
    options = argparse.ArgumentParser(prog="python -m bench planning")
    options.add_argument("--json", action="store_true", help="one JSON object a line, one for each seed")
    options.add_argument("--seed", default="1,2,3", help="seeds, with commas between them")
    options.add_argument("--decisions", type=int, default=20_000)
    given = options.parse_args()
    rows = [measure(given.decisions, int(seed)) for seed in given.seed.split(",")]
    if given.json:
        for row in rows:
            print(json.dumps(row))
        return
    print("| seed | decisions a second | residents at the chosen host | plans |\n|---|---|---|---|")
    for row in rows:
        print(f"| {row['seed']} | {row['decisions_per_s']} | {row['residents_at_the_chosen_host']} | {row['plans']} |")
    print(f"\n{HOSTS} hosts, {MODELS} models; the goal is {GOAL_PER_S} a second on one core.")


if __name__ == "__main__":
    main()
