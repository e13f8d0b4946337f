"""Follows findings over time: an alert is raised once, when a rule stays broken, and cleared once, when it stays well.

Between the two nothing is told: a figure that flaps neither raises nor clears. Owns what is raised; that it is written
down before anybody is told of it is the business of `actors/alerts.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from delegator.alerts.rules import Finding, Standing
from delegator.clock import Clock
from delegator.schemas import Alert, AlertRule, EventKind
from delegator.settings import AlertSettings

Key = tuple[AlertRule, str]
"""Rule and subject: what can be raised by itself."""


@dataclass(frozen=True, slots=True)
class Change:
    """An alert that was raised or cleared at one look. `kind`: ALERT_RAISED or ALERT_CLEARED."""

    kind: EventKind
    alert: Alert

    @property
    def key(self) -> Key:
        """Rule and subject."""
        return self.alert.rule, self.alert.subject


@dataclass(slots=True)
class _Course:
    """How one subject has stood. `since`: mark of the look from which on it stands as it does; `alert`: if raised."""

    standing: Standing | None = None
    since: float = 0.0
    alert: Alert | None = None


class Watch:
    """The hysteresis of all alerts."""

    def __init__(self, limits: AlertSettings, clock: Clock, raised: Iterable[Alert] = ()) -> None:
        """Go on with the alerts that a former life had raised; how long they have been well counts from now."""
        self._limits = limits
        self._clock = clock
        self._courses: dict[Key, _Course] = {(alert.rule, alert.subject): _Course(alert=alert) for alert in raised}

    def raised(self) -> list[Alert]:
        """Return what is raised now with the latest figures, the latest raised first."""
        alerts = [course.alert for course in self._courses.values() if course.alert is not None]
        return sorted(alerts, key=lambda alert: alert.raised_at, reverse=True)

    def look(self, findings: Iterable[Finding], unmeasured: Collection[AlertRule] = ()) -> list[Change]:
        """Take the findings of one look; return what is raised and cleared by it.

        A subject without a finding is well: it is gone, or its rule was switched off. Not so those of the rules that
        were not measured, of which nothing is known.
        """
        mark, at = self._clock.mark(), self._clock.now()
        changes = []
        found: dict[Key, Finding | None] = dict.fromkeys(self._courses)
        found |= {(finding.rule, finding.subject): finding for finding in findings}
        for key, finding in found.items():
            course = self._courses.setdefault(key, _Course())
            standing = Standing.UNCERTAIN if key[0] in unmeasured else Standing.WELL
            _stand(course, finding.standing if finding is not None else standing, mark)
            if course.alert is None:
                change = self._raise(course, finding, mark, at)
            else:
                change = self._clear(course, course.alert, finding, mark, at)
            if change is not None:
                changes.append(change)
            if course.alert is None and course.standing is not Standing.BROKEN:
                del self._courses[key]
        return changes

    def _raise(self, course: _Course, finding: Finding | None, mark: float, at: datetime) -> Change | None:
        if finding is None or finding.standing is not Standing.BROKEN:
            return None
        if mark - course.since < self._limits.raise_after_s:
            return None
        course.alert = Alert(
            rule=finding.rule,
            subject=finding.subject,
            message=finding.message,
            hint=finding.hint,
            value=finding.value,
            limit=finding.limit,
            raised_at=at,
        )
        return Change(EventKind.ALERT_RAISED, course.alert)

    def _clear(
        self, course: _Course, alert: Alert, finding: Finding | None, mark: float, at: datetime
    ) -> Change | None:
        course.alert = alert = _as_now(alert, finding)
        if course.standing is not Standing.WELL or mark - course.since < self._limits.clear_after_s:
            return None
        course.alert = None
        return Change(EventKind.ALERT_CLEARED, alert.model_copy(update={"cleared_at": at}))


def _stand(course: _Course, standing: Standing, mark: float) -> None:
    if course.standing is not standing:
        course.standing, course.since = standing, mark


def _as_now(alert: Alert, finding: Finding | None) -> Alert:
    """Return a raised alert with the figure of now; its words stay those of the last time the rule was broken."""
    if finding is None:
        return alert
    now: dict[str, object] = {} if finding.value is None else {"value": finding.value}
    if finding.standing is Standing.BROKEN:
        now = {"message": finding.message, "hint": finding.hint, "value": finding.value, "limit": finding.limit}
    return alert.model_copy(update=now)
