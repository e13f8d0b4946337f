"""Memory that is not what it should be: unloads that are ignored, and sizes told wrong by a fifth."""

from __future__ import annotations

import pytest

from delegator.errors import HostSuspect
from delegator.schemas import EventKind
from tests.chaos.outcomes import ARCHITECT, FEATURE, PRODUCT, ends_clean, failed_with, is_whole
from tests.chaos.team_on_simulators import OpenTeam

pytestmark = pytest.mark.timeout(120)

# ── an unload that is ignored ────────────────────────────────────────────────────────────────────────────────────


async def test_an_unload_that_is_ignored_is_told_and_asked_for_again(open_team: OpenTeam) -> None:
    team = await open_team()
    session_id = await team.opened(FEATURE)
    team.only.order("unload_ignored", model=PRODUCT, times=2)

    worked = await team.finished(await team.delegated(session_id))

    is_whole(worked)
    assert {(e.model, e.data["what"]) for e in await team.happenings(EventKind.DRIFT_FOUND)} <= {
        (PRODUCT, "unload_ignored")
    }
    await ends_clean(team, session_id)


async def test_an_ollama_that_unloads_nothing_is_suspect_until_the_model_has_gone(open_team: OpenTeam) -> None:
    """What stays is counted: the next speaker's model is not loaded beside it beyond the limit."""
    team = await open_team()
    session_id = await team.opened(FEATURE)
    team.only.order("unload_ignored", model=PRODUCT)

    worked = await team.finished(await team.delegated(session_id))

    assert failed_with(worked, HostSuspect) == ["product_manager"]
    assert PRODUCT in team.only.loaded()
    assert team.only.happened("loading", ARCHITECT) == 0
    assert "stays in memory" in (await team.happenings(EventKind.HOST_SUSPECT))[0].data["reason"]
    team.only.clear()
    is_whole(await team.finished(await team.delegated(session_id)))
    assert await team.happenings(EventKind.HOST_RECOVERED)
    await ends_clean(team, session_id)


async def test_a_model_that_ignores_the_end_of_its_session_goes_later(open_team: OpenTeam) -> None:
    team = await open_team()
    session_id = await team.opened(FEATURE)
    rule = team.only.order("unload_ignored", model=PRODUCT)

    reply = await team.ended(session_id)

    assert rule.fired
    assert (reply.models_unloaded, reply.models_kept) == ([], [PRODUCT])
    assert set(team.leftovers()) == {"models of only", "ledger of only", "reservations of only", "recorded of only"}
    team.only.clear()
    await team.nothing_stays()


# ── sizes that are wrong by a fifth ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("capacity", [24, 32, 60])
@pytest.mark.parametrize("factor", [0.8, 1.2])
async def test_sizes_wrong_by_a_fifth_neither_refuse_what_fits_nor_overrun_the_machine(
    open_team: OpenTeam, factor: float, capacity: float
) -> None:
    team = await open_team({"only": capacity})
    team.only.order("ps_lies", args={"factor": factor})
    session_id = await team.opened(FEATURE)

    is_whole(await team.finished(await team.delegated(session_id)))
    is_whole(await team.finished(await team.delegated(session_id)))

    await ends_clean(team, session_id, limit_gb=25 * max(1, factor * 1.03))
