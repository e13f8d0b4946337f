"""Sources for tests and load: one says back what it heard, one speaks of nothing, one follows a script."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable

from delegator.ollama.simulator.text.reply import Reply, ReplyRequest, Source

_PROSE = (
    "the plan model task team role agent state order queue part side line word point case test risk step turn "
    "first next small open clear simple whole new late early near is has needs takes gives keeps holds moves "
    "with from into over after before and or but so then"
)


def echo(request: ReplyRequest) -> Reply:
    """Say the last user message back."""
    return Reply(request.last_user_text or "…")


def lorem(request: ReplyRequest) -> Reply:
    """Speak 60 to 200 words that mean nothing, the same for the same prompt and seed."""
    chance = random.Random(request.number(request.model, request.last_user_text))
    words = chance.choices(_PROSE.split(), k=chance.randint(60, 200))
    return Reply(" ".join(words).capitalize() + ".")


def script(replies: Iterable[Reply | str] | Callable[[ReplyRequest], Reply | str]) -> Source:
    """Make a source of given replies: each in turn and the last one from then on, or what a function answers."""
    if callable(replies):
        answer = replies
        return lambda request: _as_reply(answer(request))
    left = list(replies)

    def follow(_request: ReplyRequest) -> Reply:
        return _as_reply(left.pop(0) if len(left) > 1 else left[0])

    return follow


def _as_reply(reply: Reply | str) -> Reply:
    return Reply(reply) if isinstance(reply, str) else reply
