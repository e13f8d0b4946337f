"""The whole inner state of the host as JSON, for tests and people."""

from __future__ import annotations

import math
from typing import Any

from delegator.ollama.simulator.host import Host
from delegator.ollama.simulator.runner import Runner


def state_of(host: Host) -> dict[str, Any]:
    """Return the state: times and durations in model seconds, sizes in bytes."""
    scheduler = host.scheduler
    loading = scheduler.loader.loading
    host.log.resident(host.memory.held_bytes())
    return {
        "profile": host.profile.name,
        "version": host.version,
        "scale": host.clock.scale,
        "now_s": round(host.clock.now(), 3),
        "models": [_runner(host, runner) for runner in scheduler.loaded.values()],
        "loading": loading.name if loading else None,
        "in_hand": scheduler.in_hand.name if scheduler.in_hand else None,
        "queue": [{"model": item.name, "left": item.left} for item in scheduler.queued],
        "memory": {
            name: {
                "total_bytes": device.total_bytes,
                "others_bytes": device.used_by_others,
                "models_bytes": host.memory.held_bytes(name),
                "free_bytes": host.memory.free_bytes(name),
            }
            for name, device in host.memory.devices.items()
        },
        "generating": sum(runner.generating for runner in scheduler.loaded.values()),
        "faults": [rule.as_json() for rule in host.faults.rules],
        "measures": host.log.measures.as_json(),
    }


def _runner(host: Host, runner: Runner) -> dict[str, Any]:
    return {
        "name": runner.name,
        "weights": runner.spec.weights,
        "num_ctx": runner.key.num_ctx,
        "refs": runner.refs,
        "slots": runner.slots.count,
        "waiting": runner.slots.waiting,
        "generating": runner.generating,
        "keep_alive_s": None if math.isinf(runner.keep_alive_s) else runner.keep_alive_s,
        "counting_down": runner.timer is not None,
        "expires_in_s": None if math.isinf(runner.expires_at) else round(runner.expires_at - host.clock.now(), 3),
        "placement": dict(runner.placement),
        "closing": runner.closing,
        "dead": runner.dead,
    }
