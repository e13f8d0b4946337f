"""From an accepted request to the lines of its answer: runner, slot, prompt, tokens, closing line (items 5, 6, 12, 26).

Closing the generator is a client that hung up: the engine stops, the slot is free (item 24).
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

import aiohttp

from delegator.ollama.dialect.answers import created_at, line, metrics
from delegator.ollama.dialect.options import Options
from delegator.ollama.dialect.requests import Inference, Message
from delegator.ollama.engine.library import ModelFile
from delegator.ollama.engine.runner import Runner
from delegator.ollama.engine.scheduler import Scheduler
from delegator.ollama.engine.schemas import constraint
from delegator.ollama.engine.speech import Engine

_SAMPLING = (
    "temperature", "top_k", "top_p", "min_p", "typical_p", "repeat_last_n", "repeat_penalty", "presence_penalty",
    "frequency_penalty", "seed",
)  # fmt: skip
"""Options that the engine knows by the same name."""


async def answer(
    scheduler: Scheduler, http: aiohttp.ClientSession, model: ModelFile, request: Inference, options: Options
) -> AsyncGenerator[dict[str, Any], None]:
    """Give the lines of the answer; a request without messages only loads (item 8)."""
    started = time.monotonic()
    runner = await scheduler.acquire(model, options.load, request.keep_alive_s)
    try:
        if not request.messages:
            yield line(request, created_at(), "", done=True, done_reason="load")
            return
        load_s = time.monotonic() - started  # queueing and evictions included (item 26)
        async with runner.slots, aclosing(_speak(Engine(http, runner.process), runner, request, options)) as lines:
            async for item in lines:
                if item["done"]:
                    figures = metrics(total_s=time.monotonic() - started, load_s=load_s, **item.pop("figures"))
                    item.update(figures)
                yield item
    finally:
        scheduler.release(runner)


async def fit(engine: Engine, messages: Sequence[Message], num_ctx: int) -> str:
    """Return the prompt of what is left of a conversation in a window of `num_ctx` tokens (item 12).

    The oldest that are not system messages go first, the last one never: if that alone is too long, the engine refuses.
    """
    kept = list(messages)
    prompt = await engine.prompt(kept)
    while len(await engine.tokens(prompt)) >= num_ctx:  # the reply needs at least one place
        oldest = next((index for index, item in enumerate(kept[:-1]) if item.role != "system"), None)
        if oldest is None:
            break
        del kept[oldest]
        prompt = await engine.prompt(kept)
    return prompt


async def _speak(
    engine: Engine, runner: Runner, request: Inference, options: Options
) -> AsyncGenerator[dict[str, Any], None]:
    """Give the reply's lines; the closing one carries the engine's `figures`, the arguments of `metrics`."""
    num_ctx = runner.key.num_ctx
    if request.truncate:
        prompt = await fit(engine, request.messages, num_ctx)
    else:
        prompt = await engine.prompt(request.messages)
    spoken: list[int] = []
    async with aclosing(engine.complete(prompt, **_how(request, options, num_ctx))) as pieces:
        async for piece in pieces:
            spoken += piece.get("tokens", [])
            if piece["content"]:
                yield line(request, created_at(), piece["content"], done=False)
            if piece["stop"]:
                context = {} if request.chat else {"context": [*await engine.tokens(prompt), *spoken]}
                reason = "length" if piece["stop_type"] == "limit" else "stop"
                figures = _figures(piece["timings"])
                yield line(request, created_at(), "", done=True, done_reason=reason, figures=figures, **context)


def _how(request: Inference, options: Options, num_ctx: int) -> dict[str, Any]:
    """Return the engine's parameters for a reply; without a limit it is ten windows (item 6)."""
    asked = request.options
    how = {key: asked[key] for key in _SAMPLING if asked.get(key) is not None}
    how["n_predict"] = options.num_predict if options.num_predict >= 0 else 10 * num_ctx
    how["stop"] = list(options.stop)
    if request.schema is not None:
        how["json_schema"] = constraint(request.schema)
    return how


def _figures(timings: dict[str, Any]) -> dict[str, Any]:
    return {
        "prompt_tokens": int(timings["prompt_n"] + timings["cache_n"]),
        "prompt_s": timings["prompt_ms"] / 1000,
        "reply_tokens": int(timings["predicted_n"]),
        "reply_s": timings["predicted_ms"] / 1000,
    }
