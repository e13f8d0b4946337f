"""From an accepted request to the lines of its answer: runner, slot, prompt, tokens, closing line.

Line by line as Ollama sends them; what carries them to the client is the routes' business. Closing the generator is a
client that hung up (item 24).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from delegator.ollama.dialect.answers import created_at, line, metrics
from delegator.ollama.dialect.options import Options
from delegator.ollama.dialect.requests import Inference
from delegator.ollama.simulator.clock import sleep
from delegator.ollama.simulator.faults import FaultRule, slowness
from delegator.ollama.simulator.host import Host
from delegator.ollama.simulator.models import THINKING, ModelSpec
from delegator.ollama.simulator.runner import BATCH_TOKENS, PROMPT_SPEEDUP, Runner, Slot, same_chars
from delegator.ollama.simulator.text.reply import Reply, ReplyRequest, pieces, token_count
from delegator.ollama.simulator.text.schema import json_text
from delegator.ollama.simulator.window import fit, render

CRASHED = "model runner has unexpectedly stopped, this may be due to resource limitations or an internal error"
DEFAULT_STRIKE_AFTER = 3
"""Pieces before a fault of the stream strikes, unless it says otherwise."""


class Interrupted(Exception):
    """A fault of the stream: what shall happen to the answer instead of its next line."""

    def __init__(self, action: str, text: str = "") -> None:
        super().__init__(action, text)
        self.action = action
        self.text = text


@dataclass(frozen=True, slots=True)
class Accepted:
    """A request that passed all checks."""

    request: Inference
    spec: ModelSpec
    options: Options
    path: str

    @property
    def thinks(self) -> bool:
        """Models that can think do so unless told not to (item 9)."""
        return self.spec.can(THINKING) and self.request.think is not False

    def line(self, at: str, text: str, **more: Any) -> dict[str, Any]:
        """Return one line of the answer."""
        return line(self.request, at, text, **more)


async def answer(host: Host, accepted: Accepted) -> AsyncGenerator[dict[str, Any], None]:
    """Give the lines of the answer; a request without messages only loads (item 8)."""
    started = host.clock.now()
    request = accepted.request
    await host.faults.pass_through("queue", path=accepted.path, model=request.name)
    runner = await host.scheduler.acquire(
        accepted.spec, accepted.spec.name, accepted.options.load, request.keep_alive_s
    )
    try:
        if not request.messages:
            yield accepted.line(created_at(skew_s=host.clock.skew_s), "", done=True, done_reason="load")
            return
        load_s = host.clock.now() - started  # queueing and evictions included (item 26)
        async with aclosing(_Turn(host, accepted, runner, started, load_s).lines()) as lines:
            async for line in lines:
                yield line
    finally:
        host.scheduler.release(runner)


class _Turn:
    """One reply in one slot."""

    def __init__(self, host: Host, accepted: Accepted, runner: Runner, started: float, load_s: float) -> None:
        self._host = host
        self._accepted = accepted
        self._runner = runner
        self._started = started
        self._load_s = load_s
        self._spoken = 0
        self._lag_s = host.profile.cancel_lag_s
        rules = host.faults.take("stream", path=accepted.path, model=accepted.request.name)
        self._slow = slowness(rules)
        self._strikes = [rule for rule in rules if rule.action not in ("slow", "hang")]
        self._hangs = [rule for rule in rules if rule.action == "hang"]

    async def lines(self) -> AsyncGenerator[dict[str, Any], None]:
        """Wait for a slot, read the prompt, speak."""
        runner, request = self._runner, self._accepted.request
        messages = fit(request.messages, runner.key.num_ctx, truncate=request.truncate)
        prompt = render(messages)
        slot = await runner.slots.acquire(prompt)
        runner.generating += 1
        finished = False
        try:
            prompt_s = await self._read(slot, prompt)
            async with aclosing(self._speak(messages, token_count(prompt), prompt_s)) as lines:
                async for line in lines:
                    finished = bool(line["done"])
                    yield line
        finally:
            self._count(finished=finished)
            if finished or runner.dead:
                self._vacate(slot)
            else:
                self._host.spawn(self._vacate_later(slot))

    async def _read(self, slot: Slot, prompt: str) -> float:
        """Read the prompt, except what the slot has in its cache; return the seconds it took (item 5)."""
        clock, accepted = self._host.clock, self._accepted
        rules = self._host.faults.take("first_token", path=accepted.path, model=accepted.request.name)
        await self._host.faults.hang(rules)
        fresh = max(1, token_count(prompt[same_chars(slot.prompt, prompt) :]))
        slot.prompt = prompt
        rate = self._tokens_per_s() * PROMPT_SPEEDUP
        took = fresh / rate * slowness(rules)
        end = clock.now() + took
        try:
            await clock.sleep_until(end)
        except asyncio.CancelledError:
            self._lag_s += min(end - clock.now(), BATCH_TOKENS / rate)  # the batch under way is read to its end
            raise
        return took

    async def _speak(self, messages: Any, prompt_tokens: int, prompt_s: float) -> AsyncGenerator[dict[str, Any], None]:
        accepted, clock = self._accepted, self._host.clock
        reply = self._reply(messages)
        thinking = pieces(reply.thinking)
        spoken, reason = self._limited([*thinking, *pieces(reply.text)], prompt_tokens)
        calls = [_call(i, name, arguments) for i, (name, arguments) in enumerate(reply.tool_calls)]
        early = accepted.spec.family.startswith("qwen")  # its template renders calls before the end (item 10)
        begun = due = clock.now()
        for index, piece in enumerate(spoken):
            await self._fault_at(index)
            due += self._slow / self._tokens_per_s()
            await clock.sleep_until(due)
            self._spoken += 1
            if index < len(thinking):
                yield accepted.line(created_at(skew_s=clock.skew_s), "", thinking=piece, done=False)
            else:
                yield accepted.line(created_at(skew_s=clock.skew_s), piece, done=False)
        await self._fault_at(None)
        if calls and early:
            yield accepted.line(created_at(skew_s=clock.skew_s), "", tool_calls=calls, done=False)
        figures = metrics(
            total_s=clock.now() - self._started,
            load_s=self._load_s,
            prompt_tokens=prompt_tokens,
            prompt_s=prompt_s,
            reply_tokens=len(spoken),
            reply_s=due - begun,
        )
        last = {"tool_calls": calls} if calls and not early else {}
        if not accepted.request.chat:
            figures["context"] = list(range(prompt_tokens + len(spoken)))
        yield accepted.line(created_at(skew_s=clock.skew_s), "", **last, done=True, done_reason=reason, **figures)

    def _reply(self, messages: Any) -> Reply:
        """Ask the source, then think, call and format as the request wants (items 6, 9, 10, 11)."""
        accepted, request = self._accepted, self._accepted.request
        asked = ReplyRequest(request.name, messages, request.tool_names, request.schema, accepted.options.seed)
        reply = self._host.source_of(accepted.spec.name)(asked)
        calls = (
            reply.tool_calls or tuple((name, {}) for name in asked.tools if name and name in asked.last_user_text)[:1]
        )
        text = json_text(asked, reply.text) if request.schema is not None else "" if calls else reply.text
        thinking = (
            reply.thinking or f"The question is about {len(asked.last_user_text)} characters long. Let me answer it."
        )
        return Reply(_stopped(text, accepted.options.stop), thinking if accepted.thinks else "", calls)

    def _limited(self, spoken: list[str], prompt_tokens: int) -> tuple[list[str], str]:
        """Cut the reply at `num_predict` or the end of the window; return it and its `done_reason` (item 6)."""
        num_ctx, asked = self._runner.key.num_ctx, self._accepted.options.num_predict
        limit = min(asked if asked >= 0 else 10 * num_ctx, max(1, num_ctx - prompt_tokens))
        return (spoken[:limit], "length") if len(spoken) > limit else (spoken, "stop")

    def _tokens_per_s(self) -> float:
        host = self._host
        return self._runner.tokens_per_s(
            host.profile, sharing=host.scheduler.busy_beside(self._runner), swapped_ratio=host.memory.swapped_ratio
        )

    async def _fault_at(self, index: int | None) -> None:
        """Let faults strike whose time has come; None stands for the end of the reply."""
        for rule in self._strikes + self._hangs:
            if index is None or index == int(rule.args.get("after", DEFAULT_STRIKE_AFTER)):
                await self._strike(rule)
        if self._runner.dead:
            raise Interrupted("error_line", CRASHED)

    async def _strike(self, rule: FaultRule) -> None:
        if rule.action == "hang":
            await self._host.faults.hang([rule])
            self._hangs.remove(rule)
            return
        self._host.log.add("fault", action=rule.action, model=self._accepted.request.name)
        if rule.action == "runner_crash":
            self._runner.dead = True  # ps lists it until somebody wants it again (item 25)
            raise Interrupted(str(rule.args.get("as", "error_line")), CRASHED)
        if rule.action == "oom_runtime":
            self._host.scheduler.expire_all()
            raise Interrupted(
                "error_line", "an error was encountered while running the model: CUDA error: out of memory"
            )
        raise Interrupted(rule.action, str(rule.args.get("text", "an error was encountered while running the model")))

    def _count(self, *, finished: bool) -> None:
        measures = self._host.log.measures
        measures.tokens_out += self._spoken
        if not finished:
            measures.tokens_wasted += self._spoken
        event = "replied" if finished else "reply_cut"
        self._host.log.add(event, model=self._accepted.request.name, tokens=self._spoken)

    def _vacate(self, slot: Slot) -> None:
        self._runner.generating -= 1
        self._runner.slots.release(slot)

    async def _vacate_later(self, slot: Slot) -> None:
        """Free the slot of a client that has gone when the engine notices (item 24)."""
        try:
            await sleep(self._host.clock, self._lag_s)
        finally:
            self._vacate(slot)


def _call(index: int, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"call_{index:08x}",
        "function": {"index": index, "name": name, "arguments": json.loads(json.dumps(arguments))},
    }


def _stopped(text: str, stops: tuple[str, ...]) -> str:
    """Cut the text before the first of the stop strings."""
    ends = [found for stop in stops if stop and (found := text.find(stop)) >= 0]
    return text[: min(ends)] if ends else text
