from __future__ import annotations

from dataclasses import replace

from delegator.store.records import PlanRecord
from delegator.store.store import Store
from tests.delegator.store.make import NOON, later

PLAN = PlanRecord("plan_1", NOON, later(600), {"task_description": "Fix a typo"}, {"models": [], "needed_gb": 6.5})


async def test_a_plan_is_kept_as_it_was_made(store: Store) -> None:
    await store.put_plan(PLAN)
    await store.put_plan(replace(PLAN, plan={"another": True}))

    assert await store.plan("plan_1") == PLAN
    assert await store.plan("plan_0") is None


async def test_plans_that_have_expired_are_dropped(store: Store) -> None:
    longer = replace(PLAN, plan_id="plan_2", expires_at=later(601))
    await store.put_plan(PLAN)
    await store.put_plan(longer)

    assert await store.drop_expired_plans(later(600)) == 1
    assert await store.plan("plan_1") is None
    assert await store.plan("plan_2") == longer
