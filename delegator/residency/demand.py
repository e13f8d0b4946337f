"""What the open sessions will need: the known turns of tasks under way, and the likely return of those that pause.

Owns each session's outlook (who leads it, who else is in it), when its last task ended, and what has been learned
about returns. Answers what an idle model is worth. Decides nothing: `dispatcher.py` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from delegator.residency.lingering import GO, Keeping, MayReturn, Prices, WillReturn, best_keeping
from delegator.residency.returns import ReturnRates
from delegator.settings import GB

OVERDUE_S = 1.0
"""An announced turn that is late is expected this soon."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What one session will need on this endpoint.

    Attributes:
        lead: model of whoever speaks first in its tasks; empty where that is on another endpoint.
        others: models of the rest of the team.
        tasks_done: how many tasks it has had.
    """

    session_id: str
    lead: str
    others: tuple[str, ...] = ()
    tasks_done: int = 0

    @property
    def models(self) -> frozenset[str]:
        """Return all models of the session."""
        return frozenset({self.lead, *self.others} - {""})


@dataclass(slots=True)
class _Open:
    outlook: Outlook
    tasks_done: int
    idle_since: float | None
    tasks: dict[str, list[tuple[str, float]]] = field(default_factory=dict)
    """Tasks under way: when each is expected to need which model."""


class Demand:
    """All open sessions of one endpoint. Moments are model seconds on any clock that only goes forward."""

    def __init__(self, prices: Prices) -> None:
        """Know no sessions."""
        self._prices = prices
        self._open: dict[str, _Open] = {}
        self.returns = ReturnRates()
        self.changed: set[str] = set()
        """Models about which something has changed; whoever keeps answers of `keeping` empties it."""

    # ── being told ───────────────────────────────────────────────────────────────────────────────────────────────

    def __contains__(self, session_id: str) -> bool:
        return session_id in self._open

    def __len__(self) -> int:
        return len(self._open)

    def open(self, outlook: Outlook, now: float) -> None:
        """Begin to expect tasks of a session; of one that is known, its team may have changed."""
        known = self._open.get(outlook.session_id)
        if known is None:
            self._open[outlook.session_id] = _Open(outlook, outlook.tasks_done, now)
        else:
            self.changed |= known.outlook.models
            known.outlook = outlook
        self.changed |= outlook.models

    def close(self, session_id: str, now: float) -> None:
        """Expect nothing more of a session."""
        session = self._open.pop(session_id, None)
        if session is None:
            return
        if session.idle_since is not None:
            self.returns.learn(session.tasks_done, now - session.idle_since, arrived=False)
        self.changed |= session.outlook.models

    def keep_only(self, session_ids: frozenset[str], now: float) -> None:
        """Close every session that is not among these."""
        for gone in self._open.keys() - session_ids:
            self.close(gone, now)

    def begin_task(self, session_id: str, task_id: str, now: float) -> None:
        """Note that a task of the session has begun, or goes on."""
        session = self._open.get(session_id)
        if session is None or task_id in session.tasks:
            return
        if session.idle_since is not None:
            self.returns.learn(session.tasks_done, now - session.idle_since, arrived=True)
            session.idle_since = None
        session.tasks[task_id] = []
        self.changed |= session.outlook.models

    def foresee(self, session_id: str, task_id: str, needs: Sequence[tuple[str, float]]) -> None:
        """Note when a task under way will need which model: (model, moment)."""
        session = self._open.get(session_id)
        if session is not None and task_id in session.tasks:
            self.changed.update(model for model, _ in (*session.tasks[task_id], *needs))
            session.tasks[task_id] = list(needs)

    def end_task(self, session_id: str, task_id: str, now: float) -> None:
        """Note that a task has ended; with the last one the session pauses."""
        session = self._open.get(session_id)
        if session is None or session.tasks.pop(task_id, None) is None:
            return
        session.tasks_done += 1
        if not session.tasks:
            session.idle_since = now
        self.changed |= session.outlook.models

    # ── being asked ──────────────────────────────────────────────────────────────────────────────────────────────

    def sessions_with(self, model: str) -> list[str]:
        """Return the open sessions that have the model in their team."""
        return [session_id for session_id, session in self._open.items() if model in session.outlook.models]

    def keeping(self, model: str, size_bytes: int, load_s: float, now: float) -> Keeping:
        """Return for how long from now an idle model should be kept, and what that is worth."""
        reload = (self._prices.load + size_bytes / GB) * load_s
        waited = reload + self._prices.wait * load_s
        may: list[MayReturn] = []
        will: list[WillReturn] = []
        for session in self._open.values():
            if session.idle_since is None:
                for needs in session.tasks.values():
                    will += [
                        WillReturn(max(OVERDUE_S, moment - now), reload) for needed, moment in needs if needed == model
                    ]
            elif model in session.outlook.models:
                may.append(self._may_return(session, now, waited if model == session.outlook.lead else reload))
        return best_keeping(size_bytes, may, will) if may or will else GO

    def _may_return(self, session: _Open, now: float, saves: float) -> MayReturn:
        idle_s = now - (session.idle_since or 0.0)
        done, returns = session.tasks_done, self.returns
        so_far = returns.cumulative(done, idle_s)
        return MayReturn(lambda ahead: returns.cumulative(done, idle_s + ahead) - so_far, saves)
