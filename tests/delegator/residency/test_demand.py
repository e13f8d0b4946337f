"""What open sessions will need: tasks under way, pauses, what changes an answer, and what a session leaves behind."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from delegator.residency.demand import Demand, Outlook
from delegator.residency.lingering import GO, Prices
from delegator.settings import GB

PRICES = Prices(wait=650.0, load=140.0)


def keeping_s(demand: Demand, model: str, now: float, *, gb: int = 8) -> float:
    return demand.keeping(model, gb * GB, gb / 2 + 0.5, now).for_s


def test_without_sessions_nothing_is_worth_keeping() -> None:
    assert Demand(PRICES).keeping("lead", 8 * GB, 4.5, 0.0) == GO


def test_in_a_pause_the_leads_model_is_worth_more_than_the_others() -> None:
    demand = Demand(PRICES)
    demand.open(Outlook("s", "lead", ("other",)), 0.0)

    lead, other = (demand.keeping(model, 8 * GB, 4.5, 0.0) for model in ("lead", "other"))
    assert lead.worth > other.worth
    assert demand.keeping("stranger", 8 * GB, 4.5, 0.0) == GO


def test_a_task_under_way_keeps_what_it_will_need_and_nothing_else() -> None:
    demand = Demand(PRICES)
    demand.open(Outlook("s", "lead", ("later", "never")), 0.0)
    demand.begin_task("s", "t", 0.0)
    demand.foresee("s", "t", [("later", 40.0)])

    assert keeping_s(demand, "later", 10.0) == 30.0
    assert keeping_s(demand, "lead", 10.0) == 0.0
    assert keeping_s(demand, "never", 10.0) == 0.0
    assert 0.0 < keeping_s(demand, "later", 90.0) <= 3.0, "it is late, not forgotten"


def test_with_its_last_task_the_session_pauses() -> None:
    demand = Demand(PRICES)
    demand.open(Outlook("s", "lead"), 0.0)
    for task_id in ("t1", "t2"):
        demand.begin_task("s", task_id, 5.0)
    demand.end_task("s", "t1", 20.0)
    busy = keeping_s(demand, "lead", 21.0)
    demand.end_task("s", "t2", 22.0)

    assert busy == 0.0
    assert keeping_s(demand, "lead", 22.0) > 0.0


def test_a_task_that_is_unknown_or_has_ended_ends_nothing() -> None:
    demand = Demand(PRICES)
    demand.open(Outlook("s", "lead"), 0.0)
    demand.begin_task("s", "t", 5.0)
    for session_id, task_id in (("s", "other"), ("gone", "t")):
        demand.end_task(session_id, task_id, 9.0)
        demand.foresee(session_id, task_id, [("lead", 20.0)])

    assert demand.keeping("lead", 8 * GB, 4.5, 9.0) == GO


def test_gaps_are_learned_once_each() -> None:
    demand = Demand(PRICES)
    demand.open(Outlook("s", "lead"), 0.0)
    demand.begin_task("s", "t1", 5.0)
    demand.begin_task("s", "t1", 6.0)
    demand.begin_task("s", "t2", 7.0)
    assert demand.returns.version == 1

    demand.end_task("s", "t1", 20.0)
    demand.end_task("s", "t2", 30.0)
    demand.close("s", 90.0)
    demand.close("s", 91.0)
    assert demand.returns.version == 2
    assert sum(demand.returns.to_json()["lengths"]["close"]) == 1.0


def test_a_session_that_closes_while_it_works_teaches_nothing() -> None:
    demand = Demand(PRICES)
    demand.open(Outlook("s", "lead"), 0.0)
    demand.begin_task("s", "t", 5.0)
    before = demand.returns.version
    demand.close("s", 9.0)

    assert demand.returns.version == before
    assert "s" not in demand
    assert len(demand) == 0


@pytest.mark.parametrize(
    ("happens", "changed"),
    [
        (lambda d: d.open(Outlook("new", "a", ("b",)), 1.0), {"a", "b"}),
        (lambda d: d.open(Outlook("s", "c", ("other",)), 1.0), {"lead", "c", "other"}),
        (lambda d: d.begin_task("s", "t", 1.0), {"lead", "other"}),
        (lambda d: d.close("s", 1.0), {"lead", "other"}),
        (lambda d: d.keep_only(frozenset(), 1.0), {"lead", "other"}),
        (lambda d: d.close("gone", 1.0), set()),
    ],
)
def test_what_happens_names_the_models_it_changes(happens: Callable[[Demand], None], changed: set[str]) -> None:
    demand = Demand(PRICES)
    demand.open(Outlook("s", "lead", ("other",)), 0.0)
    demand.changed.clear()
    happens(demand)

    assert demand.changed == changed


def test_an_outlook_without_a_lead_names_no_model_for_it() -> None:
    assert Outlook("s", "", ("a", "b")).models == {"a", "b"}


@pytest.mark.parametrize("price", [0.0, 1e12])
def test_free_and_priceless_waiting_are_both_reckoned_with(price: float) -> None:
    demand = Demand(Prices(price, price))
    demand.open(Outlook("s", "lead"), 0.0)
    kept = demand.keeping("lead", 20 * GB, 10.5, 200.0)

    assert (kept == GO) if price == 0.0 else (kept.for_s > 100.0 and kept.worth > 1e9)
