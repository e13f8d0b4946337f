"""What all answers have in common, whoever gives them: lines, figures, dates, JSON as Ollama writes it (item 5)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterable
from datetime import UTC, datetime, timedelta
from typing import Any

from delegator.ollama.dialect.requests import Inference

PLAIN_TEXTS = {404: "404 page not found", 405: "405 method not allowed"}
"""What unknown paths and wrong methods are answered with, as plain text (item 1)."""


def dump(value: Any) -> bytes:
    """Return JSON as Ollama writes it: compact, not ASCII only, the two line separators of JavaScript escaped."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    text = text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return text.encode("utf-8", "replace")


def created_at(*, skew_s: float = 0.0) -> str:
    """Return now as replies state it: UTC, microseconds, Z; wrong by `skew_s` real seconds."""
    now = datetime.now(UTC) + timedelta(seconds=skew_s)
    return now.isoformat(timespec="microseconds").replace("+00:00", "Z")


def date_after(seconds: float) -> datetime:
    """Return the local date in real seconds; «for ever» is Ollama's date some 292 years ahead (item 4)."""
    forever = 292 * 365.25 * 86400
    return (datetime.now(UTC) + timedelta(seconds=min(seconds, forever))).astimezone()


def metrics(
    *, total_s: float, load_s: float, prompt_tokens: int, prompt_s: float, reply_tokens: int, reply_s: float
) -> dict[str, Any]:
    """Return the figures of a closing line; zero ones are left out, durations are whole nanoseconds."""
    figures = {
        "total_duration": round(total_s * 1e9),
        "load_duration": round(load_s * 1e9),
        "prompt_eval_count": prompt_tokens,
        "prompt_eval_duration": round(prompt_s * 1e9),
        "eval_count": reply_tokens,
        "eval_duration": round(reply_s * 1e9),
    }
    return {key: value for key, value in figures.items() if value}


def line(request: Inference, at: str, text: str, **more: Any) -> dict[str, Any]:
    """Return one line of an answer; a chat wraps its text in a message, generate does not."""
    head = {"model": request.name, "created_at": at}
    thinking, calls = more.pop("thinking", None), more.pop("tool_calls", None)
    message = {"content" if request.chat else "response": text}
    if thinking is not None:
        message["thinking"] = thinking
    if calls is not None:
        message["tool_calls"] = calls
    if request.chat:
        return {**head, "message": {"role": "assistant", **message}, **more}
    return {**head, **message, **more}


async def merged(request: Inference, lines: AsyncIterable[dict[str, Any]]) -> dict[str, Any] | None:
    """Return what is sent unstreamed: the closing line with the text of all; None where there was no line (item 5)."""
    key = "content" if request.chat else "response"
    text, thinking, calls, last = "", "", [], None
    async for last in lines:
        part = last["message"] if request.chat else last
        text += part[key]
        thinking += part.get("thinking", "")
        calls += part.get("tool_calls", [])
    if last is not None:
        part = last["message"] if request.chat else last
        part[key] = text
        part.update({name: value for name, value in (("thinking", thinking), ("tool_calls", calls)) if value})
    return last
