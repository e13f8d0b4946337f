"""The contract between the host and its sources of text, and how text is cut into tokens."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from delegator.ollama.dialect.requests import Message

_PIECE = re.compile(r"\s*\S{1,5}|\s+")


@dataclass(frozen=True, slots=True)
class ReplyRequest:
    """What a model was asked.

    Attributes:
        model: the name as sent.
        messages: what was left after cutting; a plain prompt is one user message.
        tools: names of the functions it may call.
        schema: JSON schema its answer must follow; `{}` any JSON object, None free text.
    """

    model: str
    messages: tuple[Message, ...]
    tools: tuple[str, ...] = ()
    schema: dict[str, Any] | None = None
    seed: int | None = None

    @property
    def last_user_text(self) -> str:
        """The last user message; empty when there is none."""
        return next((item.content for item in reversed(self.messages) if item.role == "user"), "")

    def number(self, *words: str) -> int:
        """Return a number that depends on `words` and the seed alone, to choose with."""
        text = "\x1f".join((*words, str(self.seed)))
        return int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()[:8])


@dataclass(frozen=True, slots=True)
class Reply:
    """What it answers. `tool_calls` are `(name, arguments)`."""

    text: str
    thinking: str = ""
    tool_calls: tuple[tuple[str, dict[str, Any]], ...] = field(default=())


Source = Callable[[ReplyRequest], Reply]


def pieces(text: str) -> list[str]:
    """Cut text into token-like pieces of about four characters, which together are the text again."""
    return _PIECE.findall(text)


def token_count(text: str) -> int:
    """Return how many tokens a prompt counts: a quarter of its characters (item 12)."""
    return (len(text) + 3) // 4


def excerpt(text: str, limit: int) -> str:
    """Return the beginning of any text as one clean line of at most `limit` characters, cut between words."""
    line = "".join(char if char.isprintable() else " " for char in text[: limit * 8])
    line = " ".join(line.split())
    if len(line) <= limit:
        return line
    cut = line[: limit - 1]
    return (cut.rsplit(" ", 1)[0] if " " in cut[limit // 2 :] else cut).rstrip(" ,;:") + "…"
