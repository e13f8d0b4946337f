"""Each rule: where it breaks, where it is well again, and how it is switched off."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from delegator.alerts import rules
from delegator.alerts.figures import DiskFigures, DriftFigures, EndpointFigures, Figures, LongestWait
from delegator.alerts.rules import Finding, Standing
from delegator.settings import AlertSettings

BROKEN, UNCERTAIN, WELL = Standing.BROKEN, Standing.UNCERTAIN, Standing.WELL
LIMITS = AlertSettings()
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def endpoint(*, used_gb: float = 1.0, waited_s: float | None = None, suspect: str | None = None) -> EndpointFigures:
    wait = LongestWait("session_1", "ceo", "qwen2.5:14b", waited_s) if waited_s is not None else None
    return EndpointFigures("ollama", 100.0, used_gb, wait, suspect)


def stands(finding: Finding | None) -> Standing:
    assert finding is not None
    return finding.standing


@pytest.mark.parametrize(
    ("used_gb", "standing"), [(95.1, BROKEN), (95, UNCERTAIN), (86, UNCERTAIN), (85.5, WELL), (0, WELL)]
)
def test_memory_breaks_above_its_share_and_is_well_below_the_share_of_that(used_gb: float, standing: Standing) -> None:
    assert stands(rules.memory(endpoint(used_gb=used_gb), LIMITS)) is standing


def test_a_finding_says_what_is_wrong_and_what_would_help() -> None:
    assert rules.memory(endpoint(used_gb=97.25), LIMITS) == Finding(
        rule="memory",
        subject="ollama",
        standing=BROKEN,
        message="The models on ollama take 97.2 of 100.0 GB, 97 %; 95 % are allowed.",
        hint="End sessions that are not needed (end_session), unload what nobody uses (unload_model), "
        "or give the models more memory (--memory).",
        value=0.9725,
        limit=0.95,
    )


@pytest.mark.parametrize(
    ("waited_s", "standing"), [(301, BROKEN), (300, UNCERTAIN), (270, WELL), (0, WELL), (None, WELL)]
)
def test_a_turn_may_wait_so_long(waited_s: float | None, standing: Standing) -> None:
    assert stands(rules.queue_wait(endpoint(waited_s=waited_s), LIMITS)) is standing


def test_of_a_suspect_endpoint_nothing_else_is_known() -> None:
    suspect = endpoint(used_gb=0, suspect="it does not answer")

    assert [stands(rules.memory(suspect, LIMITS)), stands(rules.queue_wait(suspect, LIMITS))] == [UNCERTAIN, UNCERTAIN]
    assert stands(rules.suspect_host(suspect, LIMITS)) is BROKEN
    assert stands(rules.queue_wait(endpoint(waited_s=999, suspect="it is stuck"), LIMITS)) is BROKEN
    assert stands(rules.suspect_host(endpoint(), LIMITS)) is WELL


@pytest.mark.parametrize(("lost", "standing"), [(4, BROKEN), (3, BROKEN), (2, WELL), (0, WELL)])
def test_so_many_crashes_are_a_loop(lost: int, standing: Standing) -> None:
    assert stands(rules.crash_loop("ceo", lost, LIMITS)) is standing


@pytest.mark.parametrize(
    ("age_s", "failed", "standing"),
    [
        (61, (), BROKEN),
        (60, (), UNCERTAIN),
        (3, (), WELL),
        (3, ("ollama: it is down",), BROKEN),
        (None, ("ollama: it is down",), BROKEN),
    ],
)
def test_what_is_shown_is_compared_often_and_with_success(
    age_s: float | None, failed: tuple[str, ...], standing: Standing
) -> None:
    assert stands(rules.drift(DriftFigures(age_s, failed), LIMITS)) is standing


def test_nothing_is_said_of_a_comparison_nobody_knows_of() -> None:
    assert rules.drift(DriftFigures(None), LIMITS) is None


@pytest.mark.parametrize(("free_gb", "standing"), [(1.9, BROKEN), (2.0, UNCERTAIN), (2.2, UNCERTAIN), (2.3, WELL)])
def test_so_much_of_the_disk_must_be_free(free_gb: float, standing: Standing) -> None:
    assert stands(rules.disk(DiskFigures("/data", free_gb), LIMITS)) is standing


BAD = Figures(
    endpoints=(endpoint(used_gb=99, waited_s=999), endpoint(suspect="it is stuck")),
    restarts={"ceo": 5},
    drift=DriftFigures(100),
    disk=DiskFigures("/data", 0.1),
)


@pytest.mark.parametrize(
    ("rule", "off"),
    [
        ("memory", {"memory_share": 0}),
        ("queue_wait", {"queue_wait_s": 0}),
        ("suspect_host", {"suspect_host": False}),
        ("crash_loop", {"crash_loop": 0}),
        ("drift", {"drift_s": 0}),
        ("disk", {"disk_free_gb": 0}),
    ],
)
def test_a_rule_that_is_off_finds_nothing_and_is_not_listed(rule: str, off: dict[str, float]) -> None:
    limits = AlertSettings.model_validate(off)

    assert {finding.rule for finding in rules.findings(BAD, LIMITS)} - {
        finding.rule for finding in rules.findings(BAD, limits)
    } == {rule}
    assert len(rules.in_words(limits)) == len(rules.in_words(LIMITS)) - 1 == 5
    assert not any(words.startswith(f"{rule}:") for words in rules.in_words(limits))


def test_what_was_not_measured_is_named_and_finds_nothing() -> None:
    nothing = Figures(endpoints=None, restarts=None, drift=DriftFigures(None), disk=None)

    assert rules.findings(nothing, LIMITS) == []
    assert nothing.unmeasured == {"memory", "queue_wait", "suspect_host", "crash_loop", "disk"}
    assert BAD.unmeasured == frozenset()


@pytest.mark.parametrize("share", [1.0, 0.0])
@pytest.mark.parametrize(
    "judge",
    [
        lambda limits: rules.memory(endpoint(used_gb=95), limits),
        lambda limits: rules.disk(DiskFigures("/data", 2.0), limits),
    ],
)
def test_the_extreme_shares_of_being_well_are_no_error(
    judge: Callable[[AlertSettings], Finding | None], share: float
) -> None:
    """1: whatever is not broken is well; 0: only nothing at all is."""
    assert stands(judge(AlertSettings(clear_share=share))) is (WELL if share else UNCERTAIN)
