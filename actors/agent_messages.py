"""What crosses the border of an `Agent`: one turn's request and its result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Purpose = Literal["frame", "contribute", "conclude", "answer"]


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of one role. Complete: an agent needs nothing else to take it, and keeps nothing of it.

    Attributes:
        turn_id: unique; the same id asked twice is answered once.
        endpoint_url: of the Ollama to speak with.
        endpoint_id: of the host that is to know when the first token has come; empty: nobody.
        model, num_ctx: what to speak with; already resident there.
        team: role name and title of everybody in the team, by rank.
        said: (role, text) of the earlier turns of this task.
        message_from: who wrote `message`, for a direct message.
        background: answers of earlier tasks of the session, oldest first.
    """

    turn_id: str
    session_id: str
    purpose: Purpose
    task: str
    context: dict[str, Any]
    endpoint_url: str
    model: str
    num_ctx: int
    team: tuple[tuple[str, str], ...]
    said: tuple[tuple[str, str], ...] = ()
    message_from: str | None = None
    message: str | None = None
    background: tuple[str, ...] = ()
    endpoint_id: str = ""


@dataclass(frozen=True, slots=True)
class Spoken:
    """What one role said, and what it took. Seconds are model seconds."""

    text: str
    prompt_tokens: int
    reply_tokens: int
    seconds: float
    load_seconds: float


@dataclass(frozen=True, slots=True)
class Pulse:
    """Where an agent runs and whether it is busy."""

    role: str
    pid: int
    node: str
    turns_running: int
