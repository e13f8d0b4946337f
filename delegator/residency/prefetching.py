"""The next speakers of running tasks: which model will be needed, when its load should begin, how often that was right.

Just in time means neither before the first token of the turn that runs, when it may still fail or wait, nor sooner than
the learned writing times call for. Owns the expectations and the counts; whether there is memory decides
`dispatcher.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from delegator.residency.decisions import Foretold
from delegator.residency.ledger import Ledger
from delegator.residency.lingering import Prices
from delegator.residency.pace import Pace
from delegator.residency.requests import Running, TurnRequest
from delegator.settings import GB

PREFETCH_MARGIN_S = 0.5
"""Model seconds by which a prefetch is early: the unload that may have to go before it, and its own spread."""

PREFETCH_MARGIN_SHARE = 0.05
"""Further margin, as a share of the load's time."""


@dataclass(slots=True, eq=False)
class Expected:
    """The next turn of a running task.

    Attributes:
        after: the turn it follows.
        prefetched: its model's load was begun for it.
        settled: what became of that has been told.
    """

    task_id: str
    session_id: str
    model: str
    limit_bytes: int
    after: Running
    prefetched: bool = False
    settled: bool = False


class Prefetching:
    """The expected next turns of one endpoint, one per task."""

    def __init__(
        self,
        ledger: Ledger,
        pace: Pace,
        prices: Prices,
        *,
        size_of: Callable[[str], int],
        load_s: Callable[[str], float],
    ) -> None:
        """Expect nothing. `size_of`, `load_s`: bytes of a model, model seconds of its load."""
        self.counts: Counter[Foretold] = Counter()
        self._ledger = ledger
        self._pace = pace
        self._prices = prices
        self._size_of = size_of
        self._load_s = load_s
        self._expected: dict[str, Expected] = {}
        self._under_way: Expected | None = None
        self._untold: list[tuple[Foretold, str, str]] = []

    def __len__(self) -> int:
        return len(self._expected)

    def models(self) -> set[str]:
        """Return the models of expected turns."""
        return {expected.model for expected in self._expected.values()}

    def sessions_expecting(self, model: str) -> list[str]:
        """Return the sessions whose next turn is on that model."""
        return [expected.session_id for expected in self._expected.values() if expected.model == model]

    def take_told(self) -> list[tuple[Foretold, str, str]]:
        """Return what has become of prefetches since this was last asked: (what, model, session)."""
        told, self._untold = self._untold, []
        return told

    # ── what is expected ─────────────────────────────────────────────────────────────────────────────────────────

    def expect_after(self, running: Running) -> None:
        """Expect the turn that follows one that has been granted, if it is on this endpoint."""
        request = running.request
        if request.next_model is not None:
            self._expected[request.task_id] = Expected(
                request.task_id, request.session_id, request.next_model, request.limit_bytes, running
            )

    def meet(self, request: TurnRequest) -> None:
        """Note that a task's next turn has come, whatever its model."""
        expected = self._expected.pop(request.task_id, None)
        if expected is not None:
            is_there = expected.model == request.model and request.model in self._ledger
            self._settle(expected, Foretold.USED if is_there else Foretold.WASTED)

    def drop_task(self, task_id: str) -> None:
        """Expect no further turn of a task."""
        expected = self._expected.pop(task_id, None)
        if expected is not None:
            self._settle(expected, Foretold.WASTED)

    def drop_session(self, session_id: str) -> None:
        """Expect no further turn of a session."""
        for expected in [e for e in self._expected.values() if e.session_id == session_id]:
            self.drop_task(expected.task_id)

    # ── the load under way ───────────────────────────────────────────────────────────────────────────────────────

    def begun(self, expected: Expected) -> None:
        """Note that the model of an expected turn is being brought in."""
        expected.prefetched = True
        self._under_way = expected
        self._tell(Foretold.BEGUN, expected)

    def cancelled(self) -> None:
        """Note that the prefetch under way is broken off; saying so again changes nothing."""
        if self._under_way is not None:
            self._settle(self._under_way, Foretold.CANCELLED)

    def load_ended(self) -> None:
        """Note that no prefetch is under way any more."""
        self._under_way = None

    def _settle(self, expected: Expected, outcome: Foretold) -> None:
        if expected.prefetched and not expected.settled:
            expected.settled = True
            self._tell(outcome, expected)

    def _tell(self, what: Foretold, expected: Expected) -> None:
        self.counts[what] += 1
        self._untold.append((what, expected.model, expected.session_id))

    # ── when ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def times(self) -> list[tuple[Expected, float]]:
        """Return the expected turns whose model is not there, with the moment its load should begin at the latest.

        One load runs at a time: each must begin early enough for all those after it.
        """
        absent = [
            (self._due(expected), expected)
            for expected in self._expected.values()
            if not expected.prefetched
            and expected.model not in self._ledger
            and expected.after.first_token_at is not None
        ]
        absent.sort(key=lambda pair: pair[0], reverse=True)
        times: list[tuple[Expected, float]] = []
        latest_end = float("inf")
        for due, expected in absent:
            load_s = self._load_s(expected.model)
            start = min(due, latest_end) - load_s * (1 + PREFETCH_MARGIN_SHARE) - PREFETCH_MARGIN_S
            latest_end = start
            times.append((expected, max(start, _spoke_at(expected))))
        return times[::-1]

    def _due(self, expected: Expected) -> float:
        """Return when the next turn may come at the earliest.

        Too early costs the model's GB-seconds, too late the price of waiting: the share of turns that may be shorter
        than foretold is the one at which the two balance (the newsvendor's quantile).
        """
        after = expected.after
        if after.ended_at is not None:
            return after.ended_at
        gb = self._size_of(expected.model) / GB
        balance = gb + self._prices.wait
        writing_s = self._pace.writing_s(after.request.model, share=gb / balance if balance else 0.0)
        return _spoke_at(expected) + (writing_s or 0.0)


def _spoke_at(expected: Expected) -> float:
    after = expected.after
    return after.granted_at if after.first_token_at is None else after.first_token_at
