"""Faults to order: rules that say on which call, in which phase, what shall go wrong.

A rule as JSON: `{"action": "half_line", "match": {"model": "mistral:7b", "nth": 2}, "args": {"after": 5}, "times": 1}`.

    action                phase        what happens; args
    reset                 accept       the connection is reset
    status                accept       `code`, `body` (text), `content_type`: that answer instead
    wrong_content_type    accept       status 200 with a page of HTML
    hang                  (in match)   nothing more happens, for `seconds` or until the rules are cleared
    slow                  (in match)   load, first_token or stream takes `factor` times as long
    oom_load              load         the load runs out of memory; `kind`: killed or alloc
    load_fail             load         the load fails with `text`
    load_stall            load         the loader says nothing more until OLLAMA_LOAD_TIMEOUT
    drop_rst, drop_fin    stream       the connection is reset, or closed without its end, `after` pieces
    half_line, no_done    stream       the body ends within a line, or without a closing one, `after` pieces
    garbage_line          stream       a line that is no JSON, `after` pieces
    error_line            stream       an error line with `text`, `after` pieces
    runner_crash          stream       the runner dies `after` pieces; ps keeps its entry until its next use
    oom_runtime           stream       out of memory `after` pieces; every loaded model is expired
    pull_cut              pull         the connection is reset, or with `fin` closed, `after` lines
    pull_error            pull         an error line with `text`, `after` lines
    pull_short            pull         the body ends without `success`, `after` lines
    unload_ignored        unload       the model stays although it was to go
    ps_lies               ps           sizes in `/api/ps` are wrong by `factor`

Actions that happen at once when they are ordered stand in `interventions.py`. This file only decides whether a rule
fires; those who come through the phase do what it says.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from delegator.ollama.dialect.durations import FOREVER
from delegator.ollama.names import normalise
from delegator.ollama.simulator.clock import Clock

PHASES = ("accept", "queue", "load", "first_token", "stream", "pull", "unload", "ps")

PHASE_OF = {
    **dict.fromkeys(("reset", "status", "wrong_content_type"), "accept"),
    **dict.fromkeys(("oom_load", "load_fail", "load_stall"), "load"),
    **dict.fromkeys(
        ("drop_rst", "drop_fin", "half_line", "no_done", "garbage_line", "error_line", "runner_crash", "oom_runtime"),
        "stream",
    ),
    **dict.fromkeys(("pull_cut", "pull_error", "pull_short"), "pull"),
    "unload_ignored": "unload",
    "ps_lies": "ps",
}
"""The one phase of an action that has only one."""

IN_ANY_PHASE = ("hang", "slow")
_MATCH_KEYS = {"path", "model", "phase", "nth", "every", "prob", "after_s"}


class FaultInvalid(ValueError):
    """A rule that makes no sense."""


@dataclass(eq=False, slots=True)
class FaultRule:
    """One order. It fires on calls that match, at most `times` times (None: always).

    Attributes:
        nth: only on the nth matching call. every: on every so-manieth. prob: with this probability.
        after_s: only that many model seconds after it was ordered.
        seen, fired: matching calls so far, and how often it fired.
    """

    number: int
    action: str
    phase: str
    args: dict[str, Any] = field(default_factory=dict)
    path: str | None = None
    model: str | None = None
    nth: int | None = None
    every: int | None = None
    prob: float | None = None
    after_s: float = 0.0
    times: int | None = None
    ordered_at: float = 0.0
    seen: int = 0
    fired: int = 0

    waiting: set[asyncio.Future[None]] = field(default_factory=set, repr=False)

    def lift(self) -> None:
        """Let go on what hangs in this rule."""
        for hung in self.waiting:
            if not hung.done():
                hung.set_result(None)

    def as_json(self) -> dict[str, Any]:
        return {"id": self.number, "action": self.action, "phase": self.phase, "args": self.args,
                "seen": self.seen, "fired": self.fired, "times": self.times}  # fmt: skip


class Faults:
    """The rules in force."""

    def __init__(self, clock: Clock, *, seed: int = 0) -> None:
        self._clock = clock
        self._random = random.Random(seed)
        self._numbers = itertools.count(1)
        self.rules: list[FaultRule] = []

    def add(self, order: dict[str, Any]) -> FaultRule:
        """Put a rule in force.

        Raises:
            FaultInvalid: an unknown action, phase or key.
        """
        action = str(order.get("action", ""))
        match = dict(order.get("match") or {})
        if unknown := set(match) - _MATCH_KEYS:
            raise FaultInvalid(f"match has no {', '.join(sorted(unknown))}; it has {', '.join(sorted(_MATCH_KEYS))}")
        phase = match.pop("phase", None) or PHASE_OF.get(action)
        if action not in PHASE_OF and action not in IN_ANY_PHASE:
            raise FaultInvalid(f"there is no fault '{action}'")
        if phase not in PHASES:
            raise FaultInvalid(f"'{action}' needs match.phase, one of {', '.join(PHASES)}")
        if match.get("model"):
            match["model"] = normalise(match["model"])
        rule = FaultRule(
            number=next(self._numbers), action=action, phase=phase, args=dict(order.get("args") or {}),
            times=order.get("times"), ordered_at=self._clock.now(), **match,
        )  # fmt: skip
        self.rules.append(rule)
        return rule

    def clear(self) -> None:
        """Take all rules out of force; what hangs goes on."""
        for rule in self.rules:
            rule.lift()
        self.rules.clear()

    def take(self, phase: str, *, path: str | None = None, model: str | None = None) -> list[FaultRule]:
        """Return the rules that fire on a call that comes through `phase` now."""
        return [rule for rule in list(self.rules) if self._fires(rule, phase, path, model)]

    async def pass_through(self, phase: str, *, path: str | None = None, model: str | None = None) -> float:
        """Come through a phase that can only hang or be slow; return how many times as long it takes."""
        rules = self.take(phase, path=path, model=model)
        await self.hang(rules)
        return slowness(rules)

    async def hang(self, rules: Iterable[FaultRule]) -> None:
        """Wait as the hanging rules among `rules` say."""
        for rule in rules:
            if rule.action == "hang":
                hung: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                rule.waiting.add(hung)
                end = self._clock.now() + float(rule.args.get("seconds", FOREVER))
                timer = None if end == FOREVER else self._clock.call_at(end, rule.lift)
                try:
                    await hung
                finally:
                    rule.waiting.discard(hung)
                    if timer is not None:
                        timer.cancel()

    def _fires(self, rule: FaultRule, phase: str, path: str | None, model: str | None) -> bool:
        if rule.phase != phase or (rule.times is not None and rule.fired >= rule.times):
            return False
        if (rule.path and rule.path != path) or (rule.model and rule.model != normalise(model or "")):
            return False
        if self._clock.now() < rule.ordered_at + rule.after_s:
            return False
        rule.seen += 1
        if rule.nth is not None and rule.seen != rule.nth:
            return False
        if rule.every is not None and rule.seen % rule.every:
            return False
        if rule.prob is not None and self._random.random() >= rule.prob:
            return False
        rule.fired += 1
        return True


def slowness(rules: Iterable[FaultRule]) -> float:
    """Return how many times as long a phase takes under these rules."""
    factor = 1.0
    for rule in rules:
        if rule.action == "slow":
            factor *= float(rule.args.get("factor", 10))
    return factor
