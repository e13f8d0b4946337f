"""All model hosts of the system, by the ids of their endpoints, and what is asked of all of them at once.

Owns no state of an endpoint: what is in memory where is its `ModelHost`'s. One host that hangs never holds up what the
others can answer.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from actors.doubts import Doubts
from actors.host_handle import HostHandle
from actors.host_messages import HostView, Released
from delegator.errors import DelegatorError, InvalidInput

log = logging.getLogger(__name__)

T = TypeVar("T")

PATIENCE_S = 2.0
"""Real seconds that the others have to answer a question once one host has answered it."""

DOUBTED_PATIENCE_S = 0.2
"""The same where all that are still to answer are doubted."""

DOUBTED_RELEASE_S = 3.0
"""Real seconds that a session's end waits for a doubted endpoint; what is left there the reconciler takes out."""


class Hosts:
    """The handles of all model hosts; at least one, in the order of the settings."""

    def __init__(self, handles: Sequence[HostHandle], doubts: Doubts) -> None:
        """Take one handle per endpoint, and the place where doubts about them are noted."""
        self._by_id = {handle.endpoint_id: handle for handle in handles}
        self._late: set[asyncio.Task[object]] = set()
        """Calls nobody waits for any more."""
        self.doubts = doubts

    def all(self) -> Sequence[HostHandle]:
        """Return every host, in the order of the settings."""
        return tuple(self._by_id.values())

    def get(self, endpoint_id: str) -> HostHandle:
        """Return the host of that endpoint.

        Raises:
            KeyError: there is no such endpoint; `endpoint_id in hosts` asks.
        """
        return self._by_id[endpoint_id]

    def named(self, endpoint_id: str | None) -> HostHandle | None:
        """Return the host that a caller has named; None where he names none.

        Raises:
            InvalidInput: there is no such endpoint.
        """
        if endpoint_id is None:
            return None
        if endpoint_id not in self._by_id:
            known = ", ".join(self._by_id)
            raise InvalidInput("endpoint", f"'{endpoint_id}' is none of the endpoints", f"The endpoints are: {known}.")
        return self._by_id[endpoint_id]

    def __contains__(self, endpoint_id: object) -> bool:
        return endpoint_id in self._by_id

    def __len__(self) -> int:
        return len(self._by_id)

    @property
    def first(self) -> HostHandle:
        """Return the first host of the settings."""
        return next(iter(self._by_id.values()))

    @property
    def capacity_bytes(self) -> int:
        """Return what all endpoints together have for models."""
        return sum(handle.capacity_bytes for handle in self._by_id.values())

    @property
    def largest_bytes(self) -> int:
        """Return the capacity of the largest endpoint, which bounds a single model."""
        return max(handle.capacity_bytes for handle in self._by_id.values())

    async def ask(self, question: Callable[[HostHandle], Awaitable[T]]) -> dict[str, T | DelegatorError]:
        """Put a question to every host at once; return by endpoint what came, an answer or an error.

        Waits for the first answer as long as it takes, for the others a moment longer. Who has not answered by then
        is missing, and doubted from now on.
        """
        asked = {asyncio.ensure_future(_outcome(question(host))): host.endpoint_id for host in self.all()}
        try:
            await self._wait_for_some(asked)
        except asyncio.CancelledError:
            for task in asked:
                task.cancel()
            raise
        answers: dict[str, T | DelegatorError] = {}
        for task, endpoint_id in asked.items():
            if task.done():
                answers[endpoint_id] = task.result()
            else:
                task.cancel()
                self.doubts.note(endpoint_id, "it does not answer")
        return answers

    async def _wait_for_some(self, asked: dict[asyncio.Task[T | DelegatorError], str]) -> None:
        pending = set(asked)
        while pending and not any(t.done() and not isinstance(t.result(), DelegatorError) for t in asked):
            _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        trusted = [task for task in pending if self.doubts.why(asked[task]) is None]
        if trusted:
            await asyncio.wait(trusted, timeout=PATIENCE_S)
        elif pending:
            await asyncio.wait(pending, timeout=DOUBTED_PATIENCE_S)

    async def views(self) -> dict[str, HostView]:
        """Return how the endpoints stand, in the order of the settings, without those that do not answer.

        Raises:
            DelegatorError: none answers.
        """
        answers = await self.ask(lambda host: host.view())
        views = {endpoint_id: answer for endpoint_id, answer in answers.items() if isinstance(answer, HostView)}
        for endpoint_id, view in views.items():
            self.doubts.seen(endpoint_id, view.suspect)
        if not views:
            raise next(answer for answer in answers.values() if isinstance(answer, DelegatorError))
        return views

    async def ping(self) -> None:
        """Return when a model host answers.

        Raises:
            DelegatorError: none does.
        """
        answers = await self.ask(lambda host: host.ping())
        problems = [answer for answer in answers.values() if isinstance(answer, DelegatorError)]
        if len(problems) == len(answers):
            raise problems[0]

    async def release(self, session_id: str) -> Released:
        """Let go, on every endpoint, of whatever a session holds or waits for there; see `ModelHost.release_models`.

        A doubted endpoint is told too, but not waited for longer than a moment: what is left there is unloaded by a
        later sweep of the reconciler.

        Raises:
            DelegatorError: an endpoint that nothing speaks against did not do it.
        """
        outcomes = await asyncio.gather(*(self._release(host, session_id) for host in self.all()))
        unloaded = tuple(pair for released in outcomes for pair in released.unloaded)
        return Released(unloaded, tuple(model for released in outcomes for model in released.kept))

    async def _release(self, host: HostHandle, session_id: str) -> Released:
        releasing = asyncio.create_task(host.release_models(session_id))
        doubted = self.doubts.why(host.endpoint_id) is not None and len(self) > 1
        try:
            async with asyncio.timeout(DOUBTED_RELEASE_S if doubted else None):
                return await asyncio.shield(releasing)
        except TimeoutError:
            self.leave(releasing)
        except DelegatorError as exc:
            if len(self) == 1 or self.doubts.why(host.endpoint_id) is None:
                raise
            log.warning("what %s held on %s is left to the reconciler: %s", session_id, host.endpoint_id, exc)
        return Released((), ())

    def let_go(self, endpoint_id: str, session_id: str, models: Sequence[str]) -> None:
        """Have an endpoint let go of some models of a session, without waiting for it."""
        if endpoint_id in self:
            self.leave(asyncio.create_task(self.get(endpoint_id).release_models(session_id, models)))

    def leave(self, task: asyncio.Task[T]) -> None:
        """Let a call come to its end with nobody waiting; only its failure is noted."""
        self._late.add(task)
        task.add_done_callback(self._look_at)

    def _look_at(self, task: asyncio.Task[object]) -> None:
        self._late.discard(task)
        if not task.cancelled() and (exc := task.exception()) is not None:
            log.warning("a call that nobody waited for failed: %s", exc)


async def _outcome(answer: Awaitable[T]) -> T | DelegatorError:
    try:
        return await answer
    except DelegatorError as exc:
        return exc
