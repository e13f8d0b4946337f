"""Which sessions hold which models of one endpoint: lets them begin and end to hold, and tells it.

Part of a `ModelHost`. A session holds what it has used until it lets go of it, is over, or passes its limit; what
nobody holds any more passes to those for whose sake it stays.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from actors.outbox import Outbox
from delegator.residency.dispatcher import Dispatcher
from delegator.residency.ledger import Entry, Phase
from delegator.schemas import EventKind


class Holders:
    """See the module's head."""

    def __init__(self, dispatcher: Dispatcher, outbox: Outbox, coming: Callable[[str], int]) -> None:
        """Know no limits yet. `coming`: bytes of the model that is just being brought in for a session."""
        self._dispatcher = dispatcher
        self._ledger = dispatcher.ledger
        self._outbox = outbox
        self._coming = coming
        self._limits: dict[str, int] = {}
        """{session: most bytes it may hold here}, as last wished."""

    def limit(self, session_id: str, most_bytes: int) -> None:
        """Note what a session may hold at most."""
        self._limits[session_id] = most_bytes

    def forget(self, session_id: str) -> None:
        """Forget the limit of a session that is over."""
        self._limits.pop(session_id, None)

    def keep_only(self, open_sessions: Collection[str], others: Collection[str]) -> None:
        """Let nobody else hold anything: sessions that are not open are over. `others` hold, but are no sessions."""
        self._limits = {session_id: most for session_id, most in self._limits.items() if session_id in open_sessions}
        for model, holder in self._ledger.keep_holders({*open_sessions, *others}):
            self._outbox.tell(EventKind.MODEL_RELEASED, self._ledger.require(model), holder)

    def hold(self, entry: Entry, session_id: str) -> None:
        """Let a session that is not over hold a model."""
        if session_id not in entry.holders and not self._dispatcher.is_over(session_id):
            entry.holders.add(session_id)
            self._outbox.tell(EventKind.MODEL_HELD, entry, session_id)

    def let_go(self, session_id: str, models: Sequence[str]) -> None:
        """Let a session let go of models, where it holds them."""
        for model in models:
            entry = self._ledger.get(model)
            if entry is not None and session_id in entry.holders:
                entry.holders.discard(session_id)
                self._outbox.tell(EventKind.MODEL_RELEASED, entry, session_id)

    def pass_on(self, entry: Entry, now: float, *, without: str = "") -> None:
        """Let a model that nobody holds any more be held by those for whose sake it stays, if there are any others."""
        if not entry.holders and entry.phase is Phase.RESIDENT and self._ledger.get(entry.model) is entry:
            for session_id in self._dispatcher.heirs(entry.model, now):
                if session_id != without and self._has_room(session_id, entry):
                    self.hold(entry, session_id)

    def _has_room(self, session_id: str, entry: Entry) -> bool:
        """Return whether a session may hold that model beside what it holds, or is about to, by its latest limit."""
        held = sum(e.size_bytes for e in self._ledger.held_by(session_id)) + self._coming(session_id)
        return held + entry.size_bytes <= self._limits.get(session_id, self._ledger.capacity_bytes)
