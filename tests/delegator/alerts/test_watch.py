"""An alert is raised once and cleared once, after what it is about has lasted; flapping tells nothing."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from delegator.alerts.rules import Finding, Standing
from delegator.alerts.watch import Change, Watch
from delegator.clock import Clock
from delegator.schemas import Alert, EventKind
from delegator.settings import AlertSettings

BROKEN, UNCERTAIN, WELL = Standing.BROKEN, Standing.UNCERTAIN, Standing.WELL
RAISED, CLEARED = EventKind.ALERT_RAISED, EventKind.ALERT_CLEARED
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


@dataclass(frozen=True)
class HandClock(Clock):
    """Time that goes on by hand; its model seconds are faster, which must not matter here."""

    scale: float = 10.0
    passed: list[float] = field(default_factory=lambda: [1000.0])

    def mark(self) -> float:
        return sum(self.passed)

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.mark())

    def go_on(self, seconds: float) -> None:
        self.passed.append(seconds)


def finding(standing: Standing, *, subject: str = "ollama", value: float | None = 1.0) -> Finding:
    return Finding("memory", subject, standing, f"memory is {standing.value} at {value}", "Help it.", value, 0.95)


class Watched:
    """A watch with its clock; every step is one look."""

    def __init__(self, raised: tuple[Alert, ...] = (), **limits: float) -> None:
        self.clock = HandClock()
        self.limits = AlertSettings.model_validate({"raise_after_s": 10, "clear_after_s": 30, **limits})
        self.watch = Watch(self.limits, self.clock, raised)

    def look(self, *findings: Finding, after_s: float = 5.0, unmeasured: tuple[str, ...] = ()) -> list[EventKind]:
        self.clock.go_on(after_s)
        return [change.kind for change in self.watch.look(findings, unmeasured)]  # type: ignore[arg-type]

    def looks(self, *standings: Standing) -> list[EventKind]:
        return [kind for standing in standings for kind in self.look(finding(standing))]


def test_an_alert_is_raised_after_it_has_lasted_and_cleared_after_it_was_well() -> None:
    watched = Watched()

    assert watched.looks(BROKEN, BROKEN) == []
    assert watched.looks(BROKEN) == [RAISED]
    assert watched.looks(*[BROKEN] * 50, *[WELL] * 6) == []
    assert watched.looks(WELL) == [CLEARED]
    assert watched.watch.raised() == []


def test_a_break_begins_the_count_anew() -> None:
    watched = Watched()

    assert watched.looks(*[BROKEN, BROKEN, WELL] * 20) == []
    assert watched.looks(*[BROKEN, BROKEN, UNCERTAIN] * 20) == []
    assert watched.looks(BROKEN, BROKEN, BROKEN) == [RAISED]
    assert watched.looks(*[*[WELL] * 5, BROKEN] * 20) == []
    assert watched.looks(*[*[WELL] * 5, UNCERTAIN] * 20) == []
    assert watched.looks(*[UNCERTAIN] * 100) == []
    assert watched.looks(*[WELL] * 7) == [CLEARED]


def test_what_is_shown_follows_the_figure_without_a_word() -> None:
    watched = Watched(raise_after_s=0)
    watched.look(finding(BROKEN, value=0.96))
    raised_at = watched.clock.now()

    assert watched.look(finding(BROKEN, value=0.99)) == []
    (shown,) = watched.watch.raised()
    assert shown == Alert(
        rule="memory",
        subject="ollama",
        message="memory is broken at 0.99",
        hint="Help it.",
        value=0.99,
        limit=0.95,
        raised_at=raised_at,
    )

    assert watched.look(finding(WELL, value=0.2)) == []
    (shown,) = watched.watch.raised()
    assert (shown.value, shown.message) == (0.2, "memory is broken at 0.99"), "the words tell what was wrong"

    assert watched.look(finding(UNCERTAIN, value=None)) == []
    assert watched.watch.raised() == [shown]


def test_a_subject_that_is_gone_is_well_and_one_that_was_not_measured_is_not() -> None:
    watched = Watched(raise_after_s=0)
    watched.look(finding(BROKEN))

    assert [watched.look(unmeasured=("memory",)) for _ in range(20)] == [[]] * 20
    assert [kind for _ in range(7) for kind in watched.look()] == [CLEARED]


def test_without_delays_every_look_counts() -> None:
    watched = Watched(raise_after_s=0, clear_after_s=0)

    assert watched.looks(BROKEN, BROKEN, UNCERTAIN, WELL, WELL, BROKEN) == [RAISED, CLEARED, RAISED]


def test_alerts_of_a_former_life_are_not_raised_again_and_are_cleared_in_time() -> None:
    before = Watched(raise_after_s=0)
    before.look(finding(BROKEN))
    watched = Watched(raised=tuple(before.watch.raised()))

    assert watched.watch.raised() == before.watch.raised()
    assert watched.looks(*[BROKEN] * 5, *[WELL] * 6) == []
    watched.clock.go_on(5)
    (change,) = watched.watch.look([finding(WELL)])
    assert change.kind is CLEARED
    assert change.alert.raised_at == before.clock.now()
    assert change.alert.cleared_at == watched.clock.now()


def test_the_latest_raised_comes_first() -> None:
    watched = Watched(raise_after_s=0)
    watched.look(finding(BROKEN, subject="a"))
    watched.look(finding(BROKEN, subject="a"), finding(BROKEN, subject="b"))

    assert [alert.subject for alert in watched.watch.raised()] == ["b", "a"]


# ── whatever happens ──────────────────────────────────────────────────────────────────────────────────────────────

subjects = ("a", "b")
steps = st.lists(
    st.tuples(
        st.floats(0.1, 40),
        st.dictionaries(st.sampled_from(subjects), st.sampled_from(list(Standing)), max_size=2),
        st.booleans(),
    ),
    max_size=60,
)
delays = st.sampled_from((0.0, 1.0, 10.0, 30.0))


@given(steps, delays, delays)
def test_each_subject_alternates_and_nothing_is_shorter_than_the_rules_allow(
    looks: list[tuple[float, dict[str, Standing], bool]], raise_after_s: float, clear_after_s: float
) -> None:
    watched = Watched(raise_after_s=raise_after_s, clear_after_s=clear_after_s)
    told: defaultdict[str, list[Change]] = defaultdict(list)
    seen: defaultdict[str, list[tuple[float, Standing]]] = defaultdict(list)
    for after_s, standings, blind in looks:
        watched.clock.go_on(after_s)
        found = [finding(standing, subject=subject) for subject, standing in standings.items()]
        for subject in subjects:
            absent = UNCERTAIN if blind else WELL
            seen[subject].append((watched.clock.mark(), standings.get(subject, absent)))
        for change in watched.watch.look(found, ["memory"] if blind else []):
            told[change.alert.subject].append(change)
            wanted = (BROKEN, raise_after_s) if change.kind is RAISED else (WELL, clear_after_s)
            assert lasted(seen[change.alert.subject]) >= wanted[1], "it has not lasted as long"
            assert seen[change.alert.subject][-1][1] is wanted[0]

    for subject, changes in told.items():
        assert [c.kind for c in changes] == ([RAISED, CLEARED] * len(changes))[: len(changes)], subject
        for change in changes:
            cleared_at = change.alert.cleared_at
            if cleared_at is not None:
                assert (cleared_at - change.alert.raised_at).total_seconds() >= clear_after_s - 1e-6
    raised_now = {subject for subject, changes in told.items() if changes[-1].kind is RAISED}
    assert {alert.subject for alert in watched.watch.raised()} == raised_now


def lasted(seen: list[tuple[float, Standing]]) -> float:
    """Return for how long a subject has stood without a break as it stands now."""
    since = seen[-1][0]
    for mark, standing in reversed(seen):
        if standing is not seen[-1][1]:
            break
        since = mark
    return seen[-1][0] - since


@given(st.lists(st.floats(0.1, 20), min_size=1, max_size=80), delays)
def test_a_constant_bad_figure_is_raised_exactly_once_when_it_has_lasted(
    pauses: list[float], raise_after_s: float
) -> None:
    watched = Watched(raise_after_s=raise_after_s)

    told = [kind for pause in pauses for kind in watched.look(finding(BROKEN), after_s=pause)]

    stood_s = sum(pauses[1:])
    assert told in (([RAISED], []) if abs(stood_s - raise_after_s) < 1e-6 else ([RAISED] * (stood_s >= raise_after_s),))


@given(st.lists(st.tuples(st.sampled_from((WELL, UNCERTAIN)), st.floats(0.1, 9)), max_size=60))
def test_a_figure_that_recovers_in_time_again_and_again_never_raises(looks: list[tuple[Standing, float]]) -> None:
    watched = Watched()

    for standing, pause in looks:
        assert watched.look(finding(BROKEN), after_s=0.1) == []
        assert watched.look(finding(BROKEN), after_s=pause) == []
        assert watched.look(finding(standing)) == []
