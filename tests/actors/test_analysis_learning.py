"""Learning from use in the running system: shown, applied, found again after a crash, and taken back."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from actors import analysis_learning
from actors.active_analysis import ActiveAnalysis
from actors.analysis_learning import AnalysisLearning
from delegator.analysis.corpus import read_corpus
from delegator.errors import AnalysisVersionNotFound, DeadlineExceeded, InvalidInput
from delegator.schemas import (
    AnalyzeTaskRequest,
    CreateSessionRequest,
    EventKind,
    GiveFeedbackRequest,
    NoInput,
    ResetAnalysisRequest,
    RetrainAnalysisReply,
    RetrainAnalysisRequest,
    TaskAnalysis,
    TaskType,
)
from delegator.store.records import NewEvent
from delegator.store.store import Store
from tests.actors.manager_on_fakes import ManagerOnFakes
from tests.delegator.store.make import NOON

TASKS = [f"Rotate the signing keys of the {name} gateway" for name in ("payment", "mail", "order")]
NOTE = "Read with what use has taught (version {})."


@pytest.fixture(autouse=True)
def _small_corpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard's own corpus, of which a part is enough here."""
    rows = [row for row in read_corpus() if row.part == "held_back"][:150]
    monkeypatch.setattr(analysis_learning, "read_corpus", lambda: rows)


@pytest.fixture
def manager(store: Store) -> ManagerOnFakes:
    return ManagerOnFakes(database=store)


async def taught(manager: ManagerOnFakes, **said: Any) -> None:
    """Have a session of each task, say of each the same, and end it."""
    for task in TASKS:
        created = await manager.create_session(CreateSessionRequest(task_description=task, wait_s=20))
        for _ in range(4):
            await manager.give_feedback(GiveFeedbackRequest(session_id=created.session_id, **said))
        await manager.end(manager._book.sessions()[0])


async def taught_well(manager: ManagerOnFakes) -> None:
    for _ in range(4):
        await taught(manager, right_type=TaskType.HR, missing_roles=["chro"])


async def read(manager: ManagerOnFakes, task: str = TASKS[0]) -> TaskAnalysis:
    return await manager.analyze_task(AnalyzeTaskRequest(task_description=task))


async def retrain(manager: ManagerOnFakes, *, apply: bool = True) -> RetrainAnalysisReply:
    return await manager.retrain_analysis(RetrainAnalysisRequest(apply=apply))


async def events_of(store: Store, *kinds: EventKind) -> list[dict[str, Any]]:
    return [event.data for event in await store.events_after(0, None, 1000) if event.kind in kinds]


async def test_without_lessons_nothing_is_learned(manager: ManagerOnFakes, store: Store) -> None:
    shown = await manager.evaluate_analysis(NoInput())
    applied = await retrain(manager)

    assert (shown.version, shown.lessons, shown.texts, shown.folds, shown.changes) == (None, 0, 0, 0, [])
    assert (
        shown.refused
        == applied.refused
        == ("There is nothing to learn: no lesson says which type or which role would have been right.")
    )
    assert (applied.applied, applied.applied_version) == (False, None)
    assert await store.analysis_versions() == []


async def test_retraining_shows_first_and_applies_on_request(manager: ManagerOnFakes, store: Store) -> None:
    before = await read(manager)
    await taught_well(manager)

    shown = await retrain(manager, apply=False)
    assert (shown.applied, shown.refused, shown.version) == (False, None, None)
    assert await read(manager) == before
    assert await store.analysis_versions() == []

    applied = await retrain(manager)
    after = await read(manager)

    assert applied.applied
    assert {change.text for change in applied.changes} == set(TASKS)
    assert (applied.lessons, applied.lessons_by_kind, applied.texts) == (48, {"feedback": 48}, 3)
    assert applied.after.types_right > applied.before.types_right
    assert (after.task_type, "chro" in after.recommended_agents) == (TaskType.HR, True)
    assert after.notes[-1] == NOTE.format(applied.applied_version)
    (event,) = await events_of(store, EventKind.ANALYSIS_LEARNED)
    assert event == {"version": applied.applied_version, "version_before": None, "lessons": 48, "changes": 3}


async def test_sessions_are_read_by_what_was_learned(manager: ManagerOnFakes) -> None:
    await taught_well(manager)
    version = (await retrain(manager)).applied_version

    created = await manager.create_session(CreateSessionRequest(task_description=TASKS[1], wait_s=20))

    assert "chro" in created.active_agents
    assert NOTE.format(version) in manager._book.sessions()[0].record.analysis["notes"]


async def test_what_is_in_use_is_found_again_in_the_next_life(manager: ManagerOnFakes, store: Store) -> None:
    await taught_well(manager)
    await retrain(manager)
    next_life = ManagerOnFakes(database=store)

    await next_life._parts.analyzer.take(await store.active_analysis_version())

    assert await read(next_life) == await read(manager)


async def test_the_same_learned_again_is_no_new_version(manager: ManagerOnFakes, store: Store) -> None:
    await taught_well(manager)
    first = await retrain(manager)

    again = await retrain(manager)

    assert (again.applied, again.applied_version, again.changes) == (True, first.applied_version, [])
    assert len(await store.analysis_versions()) == 1
    assert len(await events_of(store, EventKind.ANALYSIS_LEARNED)) == 1


async def test_a_reset_reads_as_shipped_or_by_an_earlier_version(manager: ManagerOnFakes, store: Store) -> None:
    shipped = await read(manager)
    await taught_well(manager)
    first = (await retrain(manager)).applied_version
    by_first = await read(manager)
    await taught(manager, needless_roles=["ceo"])
    second = (await retrain(manager)).applied_version
    assert second != first

    back = await manager.reset_analysis(ResetAnalysisRequest(to=first))
    assert (back.version, back.version_before) == (first, second)
    assert await read(manager) == by_first

    back = await manager.reset_analysis(ResetAnalysisRequest())
    assert (back.version, back.version_before) == (None, first)
    assert await read(manager) == shipped
    again = await manager.reset_analysis(ResetAnalysisRequest())
    assert (again.version, again.version_before) == (None, None)

    assert await events_of(store, EventKind.ANALYSIS_RESET) == [
        {"version": first, "version_before": second},
        {"version": None, "version_before": first},
    ]
    listed = await manager.list_analysis_versions(NoInput())
    assert (listed.version, listed.lessons) == (None, await store.count_lessons())
    assert [(one.version, one.active, one.fits) for one in listed.versions] == [
        (second, False, True),
        (first, False, True),
    ]


async def test_an_unknown_version_is_refused(manager: ManagerOnFakes) -> None:
    with pytest.raises(AnalysisVersionNotFound):
        await manager.reset_analysis(ResetAnalysisRequest(to=99))


async def test_a_version_beside_other_weights_is_not_used(manager: ManagerOnFakes, store: Store) -> None:
    shipped = await read(manager)
    await taught_well(manager)
    await retrain(manager)
    active = await store.active_analysis_version()
    assert active is not None
    foreign = active.weights | {"base": "0" * 16}
    event = NewEvent(EventKind.ANALYSIS_LEARNED, NOON)
    other = await store.add_analysis_version(NOON, foreign, active.measured | {"base": "0" * 16}, event)

    with pytest.raises(InvalidInput, match="other shipped weights"):
        await manager.reset_analysis(ResetAnalysisRequest(to=other.version))
    await manager._parts.analyzer.take(other)

    assert await read(manager) == shipped
    listed = await manager.list_analysis_versions(NoInput())
    assert [(one.version, one.fits) for one in listed.versions] == [(other.version, False), (active.version, True)]


async def test_a_refused_correction_is_told_and_not_applied(
    manager: ManagerOnFakes, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("delegator.analysis.relearning.CORPUS_LOSS", -1.0)
    before = await read(manager)
    await taught_well(manager)

    reply = await retrain(manager)

    assert (reply.applied, reply.applied_version) == (False, None)
    assert (reply.refused or "").startswith("Other texts would suffer")
    assert await read(manager) == before
    assert await store.analysis_versions() == []


# ── beside other work ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_one_retraining_goes_on_at_a_time_and_the_loop_goes_on_meanwhile(
    manager: ManagerOnFakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, go = threading.Event(), threading.Event()
    at_once: list[int] = []
    most: list[int] = []
    real = AnalysisLearning._evaluation

    def held_up(self: AnalysisLearning, *args: Any) -> Any:
        at_once.append(1)
        most.append(len(at_once))
        inside.set()
        assert go.wait(20)
        at_once.pop()
        return real(self, *args)

    monkeypatch.setattr(AnalysisLearning, "_evaluation", held_up)
    working = [asyncio.create_task(manager.evaluate_analysis(NoInput())) for _ in range(3)]
    assert await asyncio.to_thread(inside.wait, 20)

    assert (await read(manager)).recommended_agents  # others are answered while it computes
    go.set()
    await asyncio.gather(*working)

    assert most == [1, 1, 1]


async def test_a_retraining_ends_at_its_deadline_and_changes_nothing(
    manager: ManagerOnFakes, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await taught(manager, right_type=TaskType.HR)
    monkeypatch.setattr(analysis_learning, "DEADLINE_S", -1.0)
    with pytest.raises(DeadlineExceeded):
        await retrain(manager)
    monkeypatch.undo()

    assert await store.analysis_versions() == []


async def test_who_reads_during_a_change_reads_by_one_version_or_the_other(manager: ManagerOnFakes) -> None:
    await taught_well(manager)
    await retrain(manager)
    analysis: ActiveAnalysis = manager._parts.analyzer
    version = await manager._parts.store.active_analysis_version()
    expected = []
    for one in (None, version):
        await analysis.take(one)
        expected.append(await read(manager))

    async def change() -> None:
        for one in (None, version) * 4:
            await analysis.take(one)

    changing = asyncio.create_task(change())
    seen = []
    while not changing.done():
        seen.append(await read(manager))

    assert all(found in expected for found in seen)
