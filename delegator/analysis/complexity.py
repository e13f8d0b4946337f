"""How much a task asks for: points, each from one row of a table, and the level they come to.

Owns the base points of the types, the indicators and the thresholds. What a level allows is `limits.py`, whom it needs
`team.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from delegator.analysis.lexicon import Lexicon, Signals
from delegator.analysis.words import Words
from delegator.words import Complexity, TaskType

BASE_POINTS: Mapping[TaskType, int] = {
    TaskType.STRATEGIC_PLANNING: 2,
    TaskType.ARCHITECTURE: 2,
    TaskType.FEATURE_DEVELOPMENT: 1,
    TaskType.DEPLOYMENT: 1,
}
"""Points a type brings by itself; types that are not named bring none."""

LEVELS: tuple[tuple[int, Complexity], ...] = (
    (4, Complexity.VERY_HIGH),
    (3, Complexity.HIGH),
    (2, Complexity.MEDIUM),
    (0, Complexity.LOW),
)
"""(least points, level): the first row that the points reach."""

RAISING_PRIORITIES = frozenset({"critical", "urgent"})
"""Priorities in the context that count a point. `high` does not: it is how most tasks are marked."""

LONG_TEXT_WORDS = 150
"""A description this long tells of more than one piece of work."""

NO_DEADLINES = frozenset({"", "none", "no", "n/a", "-", "null", "false"})
"""Ways to write into the context that there is no deadline."""


class Point(NamedTuple):
    """One point of complexity, or the base points of the type."""

    indicator: str
    points: int
    because: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Assessment:
    """The complexity of one task and how it came about."""

    level: Complexity
    points: int
    parts: tuple[Point, ...]
    """The base of the type first, where it has one."""
    base_points: int = field(init=False)
    """The points its type brings by itself."""
    indicators: frozenset[str] = field(init=False)
    """Names of the indicators that were found, the base of the type left out."""

    def __post_init__(self) -> None:
        base = self.parts[0].points if self.parts and self.parts[0].indicator == "base" else 0
        object.__setattr__(self, "base_points", base)
        found = frozenset([part.indicator for part in self.parts if part.indicator != "base"])
        object.__setattr__(self, "indicators", found)


@dataclass(frozen=True, slots=True)
class Indicator:
    """One row: something that makes a task harder than its type, worth one point however often it is found."""

    name: str
    because: str
    phrases: str


INDICATORS: tuple[Indicator, ...] = (
    Indicator(
        "deadline",
        "there is a deadline",
        "deadline, due date, due by, due on, by tomorrow, by today, by tonight, until tomorrow, by end of, "
        "by the end of, by next week, by next month, before the release, before launch, by monday, by tuesday, "
        "by wednesday, by thursday, by friday, by saturday, by sunday, by january, by february, by march, "
        "by april, by june, by july, by august, by september, by october, by november, by december, end of week, "
        "end of month, end of day, end of the week, end of the month, within a day, within a week, "
        "within 24 hours, within the week, time critical, time sensitive",
    ),
    Indicator(
        "priority",
        "it is urgent or critical",
        "urgent, urgently, asap, as soon as possible, critical bug, critical issue, critical priority, "
        "business critical, mission critical, top priority, highest priority, p0, sev 1, sev1, severity 1, "
        "emergency, immediately, blocker, right away, show stopper, showstopper",
    ),
    Indicator(
        "scope",
        "the scope is large",
        "entire, whole, from scratch, complete rewrite, full rewrite, end to end platform, platform wide, "
        "company wide, organization wide, large scale, all teams, all departments, all modules, "
        "all countries, every team, every department, every module, every country, "
        "multiple modules, across the codebase, across the company, across the organization, across all, worldwide, "
        "global rollout, overhaul, comprehensive, multi year, several countries, multiple countries, "
        "several regions, multiple regions, whole platform, large codebase",
    ),
    Indicator(
        "coordination",
        "people or systems must be coordinated",
        "coordinate, coordination, cross team, cross functional, cross department, with stakeholder, "
        "stakeholder, align with, in agreement with, together with, between team, between department, "
        "across team, across department, several team, multiple team, multiple department, several department, "
        "work with legal, with marketing, with sales, with finance, with the board, with external partner, "
        "partner company, negotiate with, sync with, hand over to, with other team, with vendor, "
        "with the vendor, with supplier",
    ),
    Indicator(
        "security",
        "security is at stake",
        "security, secure, authentication, authenticate, authorization, auth, oauth, sso, single sign on, "
        "login system, encryption, encrypt, decrypt, vulnerability, exploit, cve, sql injection, "
        "injection attack, xss, csrf, penetration, access control, permission model, password storage, "
        "password hashing, password reset, two factor, 2fa, mfa, secret management, private key, data breach, "
        "breach, threat model, session hijacking, identity provider, role based access, jwt, firewall rule, "
        "hacker, attack, attacker",
    ),
    Indicator(
        "data_migration",
        "data must be migrated",
        "data migration, migrate data, migrate the data, migrate database, migrate the database, "
        "database migration, schema migration, migrate customer, migrate user, migrate all, migrate from, "
        "data conversion, import legacy, legacy data, backfill, move the data, move all data, data transfer, "
        "migrate to, zero downtime migration",
    ),
    Indicator(
        "money",
        "money or a budget is at stake",
        "budget, funding, fundraising, revenue, profit, profitability, investment, invest, return on investment, "
        "roi, financial, finance, payment, payments, pricing, cost reduction, reduce cost, cut cost, spending, "
        "expenditure, cash flow, loan, million, billion, acquisition, merger",
    ),
    Indicator(
        "compliance",
        "law or compliance sets rules",
        "compliance, compliant, comply, gdpr, hipaa, pci, pci dss, sox, soc 2, iso 27001, regulation, "
        "regulatory, regulator, legal requirement, legislation, audit, auditor, data protection, privacy law, "
        "labor law, lawsuit, certification, accessibility law, legally",
    ),
    Indicator(
        "scale",
        "it must hold under load or without a break",
        "high availability, fault tolerance, fault tolerant, zero downtime, disaster recovery, failover, "
        "real time, million user, millions of user, high throughput, low latency, high traffic, multi region, "
        "multi tenant, horizontally scalable, scalability, concurrent user, load peak, peak traffic, black friday",
    ),
    Indicator(
        "systems",
        "several systems must change together",
        "all services, all systems, every service, every system, multiple services, multiple systems, "
        "several services, several systems, many services, many systems, two systems, three systems, four systems, "
        "five systems, two services, three services, four services, five services, both systems, both services, "
        "across systems, across services, between systems, between services, end to end across",
    ),
    Indicator(
        "risk",
        "a mistake would cost much",
        "risk, risky, high risk, irreversible, cannot be undone, point of no return, safety critical, life critical, "
        "patient safety, production data, data loss, loss of data, financial loss, reputation, without a way back, "
        "no rollback, must not fail, must never fail, single point of failure, worst case",
    ),
    Indicator(
        "integration",
        "outside systems take part",
        "third party, third party service, external service, external api, external system, payment provider, "
        "payment gateway, legacy system, mainframe, erp, sap, salesforce, crm, integrate with, integration with, "
        "interface to, partner api",
    ),
)
"""The indicators of the first installation (deadline, priority, scope, coordination) and the further ones."""

DENIALS = "no deadline, no due date, not urgent, no rush, no hurry, no security, whole number, whole word, whole line"
"""Phrases that hold an indicator's word without meaning it. Found as one phrase, they keep that word from counting."""

_DENIED = "denied"
_BASES = {kind: (Point("base", base, f"{kind.value} begins with {base}"),) for kind, base in BASE_POINTS.items()}
_BECAUSE = {indicator.name: indicator.because for indicator in INDICATORS}


Signs = Mapping[str, tuple[str, ...]]
"""{indicator: the words that told of it}."""


class ComplexityTable:
    """Counts the points of a task. Prepares its table once."""

    def __init__(self) -> None:
        rows = [Signals(indicator.name, indicator.phrases) for indicator in INDICATORS]
        self._lexicon = Lexicon([*rows, Signals(_DENIED, DENIALS)])

    def assess(self, words: Words, context: Mapping[str, Any], task_type: TaskType) -> Assessment:
        """Add up the base of the type and one point for each indicator in the text or the context."""
        return self.weigh(self.signs(words, context), task_type)

    def signs(self, words: Words, context: Mapping[str, Any]) -> Signs:
        """Return the indicators in the text or the context: they do not hang on what type the task is."""
        found = self._in_text(words)
        for name, told in _in_context(context):
            found.setdefault(name, (told,))
        if len(words.words) >= LONG_TEXT_WORDS:
            found.setdefault("scope", (f"{len(words.words)} words",))
        return found

    def weigh(self, signs: Signs, task_type: TaskType) -> Assessment:
        """Add up the base of the type and one point for each of the indicators that were found."""
        found = [Point(name, 1, _BECAUSE[name], signs[name]) for name in _BECAUSE if name in signs] if signs else []
        parts = (*_BASES.get(task_type, ()), *found)
        points = sum([part.points for part in parts])
        return Assessment(level_of(points), points, parts)

    def _in_text(self, words: Words) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for evidence in self._lexicon.find(words):
            if evidence.target != _DENIED:
                found[evidence.target] = (*found.get(evidence.target, ()), evidence.phrase)
        return found


@cache
def level_of(points: int) -> Complexity:
    """Return the level that so many points come to."""
    return next(level for least, level in LEVELS if points >= least)


def _in_context(context: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    told: list[tuple[str, str]] = []
    deadline = context.get("deadline")
    if deadline is not None and deadline is not False and str(deadline).strip().lower() not in NO_DEADLINES:
        told.append(("deadline", f"deadline: {_short(deadline)}"))
    priority = str(context.get("priority", "")).strip().lower()
    if priority in RAISING_PRIORITIES:
        told.append(("priority", f"priority: {priority}"))
    if str(context.get("scope", "")).strip().lower() == "large":
        told.append(("scope", "scope: large"))
    return told


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
