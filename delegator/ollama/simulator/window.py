"""Makes a conversation fit the window, silently, as Ollama does (item 12)."""

from __future__ import annotations

import json
from collections.abc import Sequence

from delegator.ollama.dialect.requests import ApiError, Message
from delegator.ollama.simulator.text.reply import token_count

PER_MESSAGE_CHARS = 16
"""What the template adds to every message."""


def render(messages: Sequence[Message]) -> str:
    """Return the conversation as the one text the model reads."""
    return "".join(f"<|{item.role}|>\n{item.content}<|end|>\n" for item in messages)


def fit(messages: tuple[Message, ...], num_ctx: int, *, truncate: bool) -> tuple[Message, ...]:
    """Return what is left of the messages in a window of `num_ctx` tokens.

    The oldest that are not system messages go first, the last one never; if that alone is too long it is cut to about
    half the window.

    Raises:
        ApiError: 400 when it does not fit and may not be cut.
    """
    needed = token_count(render(messages))
    if needed <= num_ctx:
        return messages
    if not truncate:
        raise ApiError(400, _too_long(needed, num_ctx))
    kept = list(messages)
    while len(kept) > 1 and token_count(render(kept)) > num_ctx:
        oldest = next((i for i, item in enumerate(kept[:-1]) if item.role != "system"), None)
        if oldest is None:
            break
        del kept[oldest]
    if token_count(render(kept)) > num_ctx:
        last = kept[-1]
        kept = [Message(last.role, last.content[: max(1, num_ctx * 4 // 2 - PER_MESSAGE_CHARS)])]
    return tuple(kept)


def _too_long(needed: int, num_ctx: int) -> str:
    """Return the refusal: an error whose text is itself JSON, from the engine inside."""
    return json.dumps(
        {
            "error": {
                "code": 400,
                "message": f"request ({needed} tokens) exceeds the available context size ({num_ctx} tokens)",
                "type": "exceed_context_size_error",
                "n_prompt_tokens": needed,
                "n_ctx": num_ctx,
            }
        }
    )
