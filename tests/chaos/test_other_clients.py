"""Other clients of the same Ollama: what they change of our models, and models of their own."""

from __future__ import annotations

import pytest

from delegator.ollama.client import LoadOptions, OllamaClient
from delegator.schemas import EventKind, NoInput, TaskStatus
from tests.actors.conftest import until
from tests.chaos.outcomes import ARCHITECT, DEVELOPER, FEATURE, OTHERS, PRODUCT, ends_clean, is_whole
from tests.chaos.team_on_simulators import OpenTeam

pytestmark = pytest.mark.timeout(120)


@pytest.mark.parametrize(
    ("num_ctx", "keep_alive_s", "told"),
    [
        (2048, 6000, ["num_ctx"]),
        (2048, 300, ["keep_alive", "num_ctx"]),
        (8192, 300, ["keep_alive"]),
        (8192, -1, ["keep_alive"]),
    ],
)
async def test_what_another_client_changed_is_told_once_and_restored(
    open_team: OpenTeam, num_ctx: int, keep_alive_s: float, told: list[str]
) -> None:
    team = await open_team(simulator_scale=20, reconcile_every_s=1000)
    session_id = await team.opened("Fix typo in README")
    async with OllamaClient(team.only.simulator.url) as client:
        await client.load(DEVELOPER, LoadOptions(num_ctx), keep_alive_s=keep_alive_s, deadline_s=20)
    await team.cleanup_orphaned_agents(NoInput())
    await team.cleanup_orphaned_agents(NoInput())
    speaking = team.only.order("hang", phase="stream", model=DEVELOPER, times=1)

    task_id = await team.delegated(session_id)
    await until(lambda: speaking.waiting)

    model = team.only.loaded()[DEVELOPER]
    assert (model["num_ctx"], model["keep_alive_s"]) == (8192, 6000)
    assert sorted(e.data["what"] for e in await team.happenings(EventKind.DRIFT_FOUND)) == told
    assert team.only.happened("loading", DEVELOPER) == (1 if num_ctx == 8192 else 3)
    speaking.lift()
    assert (await team.finished(task_id)).view.status is TaskStatus.COMPLETED
    await ends_clean(team, session_id)


async def test_a_client_that_changes_the_window_again_and_again_makes_nothing_thrash(open_team: OpenTeam) -> None:
    team = await open_team()
    session_id = await team.opened(FEATURE)
    calls = 20
    script = [{"model": PRODUCT, "num_ctx": 2048, "keep_alive": "1s", "after_s": 4 * i} for i in range(calls)]
    team.only.intervene("foreign_client", script=script)

    worked = await team.finished(await team.delegated(session_id))

    is_whole(worked)
    assert team.only.happened("loading", ARCHITECT) <= 2
    assert team.only.happened("loading", PRODUCT) <= 2 + 2 * calls
    await team.ended(session_id)
    await team.nothing_stays(foreign=(PRODUCT,))


async def test_a_model_of_another_client_is_counted_and_left_alone(open_team: OpenTeam) -> None:
    team = await open_team({"only": 32})
    session_id = await team.opened(FEATURE)
    team.only.intervene("foreign_client", script=[{"model": OTHERS, "keep_alive": -1}])
    await until(lambda: any(r.foreign for r in team.only.residents()))

    is_whole(await team.finished(await team.delegated(session_id)))

    assert OTHERS in team.only.loaded()
    await ends_clean(team, session_id, foreign=(OTHERS,))
