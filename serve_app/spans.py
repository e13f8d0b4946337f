"""Days put together where there are too many for a column each: what charts over days are drawn from. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from delegator.schemas import DayFigures, MoneyFigures
from serve_app.formats import counted

MOST_COLUMNS = 92
"""Days that have a column of their own; of longer ranges several days make one."""

_SIZES = (1, 7, 28)
"""Days of a column; in ranges that are longer still, as many as it takes."""


@dataclass(frozen=True, slots=True)
class Span:
    """One day, or several in a row, that make one column."""

    days: tuple[DayFigures, ...]

    @property
    def first(self) -> date:
        """Return its first day."""
        return self.days[0].day

    @property
    def label(self) -> str:
        """Return its days in full: 2026-01-02, or 2026-01-02 to 2026-01-08."""
        last = self.days[-1].day
        return f"{self.first}" if self.first == last else f"{self.first} to {last}"

    @property
    def sessions(self) -> int:
        """Return how many sessions started."""
        return sum(day.sessions for day in self.days)

    @property
    def agents(self) -> int:
        """Return how many agents were spawned for them."""
        return sum(day.agents for day in self.days)

    @property
    def used(self) -> float:
        """Return the GB-seconds they held."""
        return sum(day.gb_seconds for day in self.days)

    @property
    def saved(self) -> float:
        """Return the GB-seconds all roles would have held more."""
        return sum(day.gb_seconds_saved for day in self.days)

    @property
    def tokens(self) -> tuple[int, int]:
        """Return what was read and what was written."""
        return sum(day.prompt_tokens for day in self.days), sum(day.reply_tokens for day in self.days)

    def money(self, currency: str) -> tuple[float, float]:
        """Return what was spent and what was saved in that currency."""
        sums = [money for day in self.days for money in day.money if money.currency == currency]
        return sum(money.used for money in sums), sum(money.saved for money in sums)


def spans_of(days: Sequence[DayFigures]) -> tuple[Span, ...]:
    """Return the days as columns, the earliest first; the last one may have fewer days."""
    size = next((size for size in _SIZES if len(days) <= size * MOST_COLUMNS), -(-len(days) // MOST_COLUMNS))
    return tuple(Span(tuple(days[begin : begin + size])) for begin in range(0, len(days), size))


def each(spans: Sequence[Span]) -> str:
    """Return what a column stands for: 'day', or '7 days'."""
    size = len(spans[0].days) if spans else 1
    return "day" if size == 1 else counted(size, "day")


def cross_a_year(spans: Sequence[Span]) -> bool:
    """Return whether a day and a month alone could be of two years."""
    return bool(spans) and spans[0].first.year != spans[-1].days[-1].day.year


def highest_money(spans: Sequence[Span], money: MoneyFigures) -> float:
    """Return the highest column of that currency; losses have no height."""
    return max((sum(max(0.0, part) for part in span.money(money.currency)) for span in spans), default=0.0)
