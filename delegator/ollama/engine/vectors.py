"""The answer of `/api/embed`: one vector of length 1 for each text, never two at a time (item 13)."""

from __future__ import annotations

import math
import time
from typing import Any

import aiohttp

from delegator.ollama.dialect.options import LoadKey
from delegator.ollama.dialect.requests import ApiError
from delegator.ollama.engine.library import ModelFile
from delegator.ollama.engine.scheduler import Scheduler
from delegator.ollama.engine.speech import Engine

TOO_LONG = "the input length exceeds the context length"


async def embed(
    scheduler: Scheduler,
    http: aiohttp.ClientSession,
    model: ModelFile,
    name: str,
    texts: list[str],
    key: LoadKey,
    *,
    keep_alive_s: float | None,
    truncate: bool,
    dimensions: int,
) -> dict[str, Any]:
    """Return the answer; without texts it only loads.

    Args:
        name: the model as sent. dimensions: of the vectors; 0 leaves them whole.
        truncate: shorten a text that is too long; otherwise it is refused.
    """
    started = time.monotonic()
    runner = await scheduler.acquire(model, key, keep_alive_s)
    try:
        if not texts:
            return {"model": name, "embeddings": []}
        load_s = time.monotonic() - started
        engine, vectors, tokens = Engine(http, runner.process), [], 0
        async with runner.slots:
            for text in texts:
                fitting, count = await _fitting(engine, text, runner.key.num_ctx, truncate=truncate)
                vectors.append(_shortened(await engine.vector(fitting), dimensions))
                tokens += count
        figures = {
            "total_duration": round((time.monotonic() - started) * 1e9),
            "load_duration": round(load_s * 1e9),
            "prompt_eval_count": tokens,
        }
        return {"model": name, "embeddings": vectors, **{key: value for key, value in figures.items() if value}}
    finally:
        scheduler.release(runner)


async def _fitting(engine: Engine, text: str, num_ctx: int, *, truncate: bool) -> tuple[str, int]:
    """Return the text, cut to the window where that is allowed, and its tokens."""
    count = len(await engine.tokens(text))
    if count > num_ctx and not truncate:
        raise ApiError(400, TOO_LONG)
    while count > num_ctx:
        text = text[: len(text) * num_ctx // count - 1]
        count = len(await engine.tokens(text))
    return text, count


def _shortened(vector: list[float], dimensions: int) -> list[float]:
    kept = vector[:dimensions] if dimensions > 0 else vector
    length = math.hypot(*kept) or 1.0
    return [value / length for value in kept]
