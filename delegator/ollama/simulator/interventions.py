"""What goes wrong at once when it is ordered, rather than on some later call.

    action           args                       what happens
    refuse           `seconds`                  the host listens no more; what runs goes on
    restart          `down_s`, `version`        all loaded models are lost, every connection breaks, then it is back
    evict_now        `model`                    that model is unloaded, as an operator or another client would
    leak_gb          `gb`                       memory is lost to a process that no list shows
    foreign_client   `script`                   another client makes these calls: a list of
                                                `{model, num_ctx, keep_alive, after_s}`
    clock_skew       `seconds`                  the dates the host shows are wrong by that

Durations are model seconds, the skew real ones.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from delegator.ollama.dialect.durations import read_keep_alive
from delegator.ollama.dialect.options import read_options
from delegator.ollama.simulator.clock import sleep
from delegator.ollama.simulator.faults import FaultInvalid
from delegator.ollama.simulator.host import Host
from delegator.ollama.simulator.loading import LoadFailed
from delegator.ollama.simulator.models import find
from delegator.ollama.simulator.profiles import GB
from delegator.ollama.simulator.scheduler import QueueFull


class Interventions:
    """Does them. `go_deaf` stops listening for model seconds, cutting connections if told to."""

    def __init__(self, host: Host, go_deaf: Callable[..., Awaitable[None]]) -> None:
        self._host = host
        self._go_deaf = go_deaf
        self._actions: dict[str, Callable[[dict[str, Any]], None]] = {
            "refuse": self._refuse,
            "restart": self._restart,
            "evict_now": self._evict_now,
            "leak_gb": self._leak,
            "foreign_client": self._foreign_client,
            "clock_skew": self._skew,
        }

    def has(self, order: dict[str, Any]) -> bool:
        """Tell whether the order is one of these."""
        return order.get("action") in self._actions

    def do(self, order: dict[str, Any]) -> None:
        """Do it, or set it going.

        Raises:
            FaultInvalid: arguments that make no sense.
        """
        args = order.get("args") or {}
        if not isinstance(args, dict):
            raise FaultInvalid("args must be an object")
        self._host.log.add("intervention", action=order["action"])
        self._actions[order["action"]](args)

    def _refuse(self, args: dict[str, Any]) -> None:
        self._host.spawn(self._go_deaf(float(args.get("seconds", 60)), lose_all=False))  # type: ignore[arg-type]

    def _restart(self, args: dict[str, Any]) -> None:
        down_s, version = float(args.get("down_s", 1)), args.get("version")
        self._host.spawn(self._go_deaf(down_s, lose_all=True, version=version))  # type: ignore[arg-type]

    def _evict_now(self, args: dict[str, Any]) -> None:
        spec = find(str(args.get("model", "")))
        if spec is None:
            raise FaultInvalid("evict_now needs args.model, a model of the registry")
        self._host.scheduler.expire(spec)

    def _leak(self, args: dict[str, Any]) -> None:
        self._host.memory.leak(round(float(args.get("gb", 1)) * GB))

    def _skew(self, args: dict[str, Any]) -> None:
        self._host.clock.skew_s = float(args.get("seconds", 0))

    def _foreign_client(self, args: dict[str, Any]) -> None:
        script = args.get("script")
        if not isinstance(script, list) or not all(isinstance(call, dict) for call in script):
            raise FaultInvalid("foreign_client needs args.script, a list of objects")
        for call in script:
            self._host.spawn(self._foreign_call(call))

    async def _foreign_call(self, call: dict[str, Any]) -> None:
        """Load, refresh or reload a model as another client's preload does."""
        host = self._host
        await sleep(host.clock, float(call.get("after_s", 0)))
        model = host.library.get(str(call.get("model", "")))
        if model is None:
            host.log.add("foreign_call_failed", problem="no such model")
            return
        values = {"num_ctx": call["num_ctx"]} if "num_ctx" in call else {}
        options = read_options(
            values, train_ctx=model.spec.train_ctx, default_num_ctx=host.profile.default_num_ctx, shift=True
        )
        try:
            keep_alive_s = read_keep_alive(call.get("keep_alive"))
            host.scheduler.release(
                await host.scheduler.acquire(model.spec, model.spec.name, options.load, keep_alive_s)
            )
        except (LoadFailed, QueueFull, ValueError) as exc:
            host.log.add("foreign_call_failed", model=model.spec.name, problem=str(exc))
