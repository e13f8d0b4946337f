"""One running role: builds the prompt of a turn, speaks with its model, and streams what it says.

An async actor per (role, replica): it serves many sessions at once and keeps nothing of them, so that its process may
die at any moment and the turn be asked again. It speaks only when the `SessionManager` has got a slot for it from the
`ModelHost`. A plain class: `actors/agent_pool.py` makes it a Ray actor.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

from actors.agent_messages import Pulse, Spoken, Turn
from delegator.clock import Clock
from delegator.ollama.client import ChatEnd, LoadOptions, OllamaClient
from delegator.roles.catalogue import Role
from delegator.sessions.prompts import build_messages
from delegator.settings import Settings

REMEMBERED_TURNS = 64
"""Finished turns whose result is kept, so that a repeated request is answered without speaking again."""

LEAST_TOKEN_DEADLINE_S = 10.0
"""Real seconds any token may take, however fast the models' time runs."""


@dataclass(slots=True)
class _Speech:
    """A turn under way or done: what is said so far, and who waits for more."""

    task: asyncio.Task[Spoken] | None = None
    pieces: list[str] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    listeners: int = 0

    def add(self, piece: str) -> None:
        self.pieces.append(piece)
        self.wake()

    def wake(self) -> None:
        """Let everybody who follows look again."""
        self.changed.set()
        self.changed = asyncio.Event()


class Agent:
    """See the module's head."""

    def __init__(self, role: Role, settings: Settings, on_first_token: Callable[[Turn], None] = lambda _: None) -> None:
        """Stand ready for one role; connects to an endpoint with the first turn there.

        Args:
            on_first_token: told when a turn begins to speak; must not wait.
        """
        self._on_first_token = on_first_token
        self._role = role
        self._settings = settings
        self._clock = Clock(settings.simulator_scale if settings.models == "simulated" else 1.0)
        self._clients: dict[str, OllamaClient] = {}
        self._speeches: OrderedDict[str, _Speech] = OrderedDict()

    def __repr__(self) -> str:
        """Name the role: Ray shows this beside log lines and in its dashboard."""
        return f"Agent({self._role.name})"

    async def ping(self) -> Pulse:
        """Answer with where this agent runs and whether it is busy."""
        running = sum(1 for s in self._speeches.values() if s.task is not None and not s.task.done())
        return Pulse(self._role.name, os.getpid(), os.uname().nodename, running)

    async def speak(self, turn: Turn) -> Spoken:
        """Take one turn. The same `turn_id` asked again joins the speech under way, or gets the finished one.

        Raises:
            ReplyBroken, OllamaUnavailable, OllamaBusy, DeadlineExceeded: this attempt failed; another may not.
        """
        speech = self._speeches.get(turn.turn_id)
        if speech is None or speech.task is None or _failed(speech.task):
            speech = _Speech()
            speech.task = asyncio.create_task(self._speak(turn, speech))
            self._remember(turn.turn_id, speech)
        task = speech.task
        speech.listeners += 1
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if speech.listeners == 1:
                task.cancel()
                self._forget(turn.turn_id, speech)  # who asks again must not join a speech that is breaking off
            raise
        finally:
            speech.listeners -= 1

    async def follow(self, turn_id: str, *, pause_s: float = 0.0) -> AsyncIterator[str]:
        """Yield what is said in a turn from its beginning, as it comes; ends with it. Unknown turns yield nothing.

        Args:
            turn_id: which.
            pause_s: real seconds between two yields at least; what comes meanwhile is yielded in one.
        """
        speech = self._speeches.get(turn_id)
        given = 0
        while speech is not None and speech.task is not None:
            changed, done = speech.changed, speech.task.done()
            if fresh := speech.pieces[given:]:
                given += len(fresh)
                yield "".join(fresh)
            if done:
                return
            if fresh:
                await asyncio.sleep(pause_s)
            await changed.wait()

    async def _speak(self, turn: Turn, speech: _Speech) -> Spoken:
        mark = self._clock.mark()
        messages = build_messages(self._role, turn, reply_tokens=self._settings.max_reply_tokens)
        stream = self._connection(turn.endpoint_url).chat(
            turn.model,
            messages,
            LoadOptions(turn.num_ctx),
            keep_alive_s=self._settings.keep_alive_s,
            max_tokens=self._settings.max_reply_tokens,
        )
        end = ChatEnd(prompt_tokens=0, reply_tokens=0, load_s=0, prompt_s=0, reply_s=0, total_s=0, done_reason="")
        try:
            async with aclosing(stream):
                async for piece in stream:
                    if isinstance(piece, ChatEnd):  # always comes: a stream without an end is an error of the client
                        end = piece
                    else:
                        if not speech.pieces:
                            self._on_first_token(turn)
                        speech.add(piece)
        finally:
            asyncio.get_running_loop().call_soon(speech.wake)
        return Spoken(
            "".join(speech.pieces).strip(),
            end.prompt_tokens,
            end.reply_tokens,
            self._clock.elapsed_s(mark),
            end.load_s,
        )

    def _connection(self, url: str) -> OllamaClient:
        client = self._clients.get(url)
        if client is None:
            real = self._clock.real_s
            client = self._clients[url] = OllamaClient(
                url,
                first_token_s=max(LEAST_TOKEN_DEADLINE_S, real(self._settings.first_token_deadline_s)),
                token_s=max(LEAST_TOKEN_DEADLINE_S, real(self._settings.token_deadline_s)),
            )
        return client

    def _remember(self, turn_id: str, speech: _Speech) -> None:
        self._speeches[turn_id] = speech
        self._speeches.move_to_end(turn_id)
        for old_id in list(self._speeches)[: max(0, len(self._speeches) - REMEMBERED_TURNS)]:
            old = self._speeches[old_id]
            if old.task is not None and old.task.done():
                del self._speeches[old_id]

    def _forget(self, turn_id: str, speech: _Speech) -> None:
        if self._speeches.get(turn_id) is speech:
            del self._speeches[turn_id]

    async def close(self) -> None:
        """Stop what is under way and close the connection."""
        for speech in self._speeches.values():
            if speech.task is not None and not speech.task.done():
                speech.task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await speech.task
        for client in self._clients.values():
            await client.close()


def _failed(task: asyncio.Task[Spoken]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
