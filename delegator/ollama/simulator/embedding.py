"""Vectors for texts: not meaning, but texts with words in common lie near each other (item 13)."""

from __future__ import annotations

import hashlib
import math
import re
from typing import Any

from delegator.ollama.dialect.options import LoadKey
from delegator.ollama.dialect.requests import ApiError
from delegator.ollama.simulator.host import Host
from delegator.ollama.simulator.models import ModelSpec
from delegator.ollama.simulator.runner import PROMPT_SPEEDUP
from delegator.ollama.simulator.text.reply import token_count

TOO_LONG = "the input length exceeds the context length"


async def embed(
    host: Host,
    spec: ModelSpec,
    name: str,
    texts: list[str],
    key: LoadKey,
    *,
    keep_alive_s: float | None,
    truncate: bool,
    dimensions: int,
) -> dict[str, Any]:
    """Return the answer of `/api/embed`; without texts it only loads. Texts are never worked on in parallel."""
    started = host.clock.now()
    runner = await host.scheduler.acquire(spec, spec.name, key, keep_alive_s)
    try:
        if not texts:
            return {"model": name, "embeddings": []}
        load_s = host.clock.now() - started
        tokens = sum(map(token_count, texts))
        if not truncate and any(token_count(text) > runner.key.num_ctx for text in texts):
            raise ApiError(400, TOO_LONG)
        slot = await runner.slots.acquire("")
        runner.generating += 1
        try:
            rate = runner.tokens_per_s(host.profile, sharing=1, swapped_ratio=host.memory.swapped_ratio)
            await host.clock.sleep_until(host.clock.now() + tokens / rate / PROMPT_SPEEDUP)
        finally:
            runner.generating -= 1
            runner.slots.release(slot)
        size = min(dimensions, spec.embedding_length) if dimensions > 0 else spec.embedding_length
        answer = {
            "model": name,
            "embeddings": [vector(text, size) for text in texts],
            "total_duration": round((host.clock.now() - started) * 1e9),
            "load_duration": round(load_s * 1e9),
            "prompt_eval_count": tokens,
        }
        return {key: value for key, value in answer.items() if value}
    finally:
        host.scheduler.release(runner)


def vector(text: str, size: int) -> list[float]:
    """Return a vector of length 1: every word has its places and signs in it, so has the text as a whole."""
    values = [0.0] * size
    for word in [text, *re.findall(r"\w+", text.lower())]:
        digest = hashlib.sha256(word.encode("utf-8", "replace")).digest()
        for at in range(0, 32, 4):
            number = int.from_bytes(digest[at : at + 4])
            values[number % size] += 1.0 if number & 0x80000000 else -1.0
    length = math.sqrt(sum(value * value for value in values)) or 1.0
    return [value / length for value in values]
