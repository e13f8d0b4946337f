"""Choosing the team: the usual one for type and complexity, whom the words call for beside it, within the agent limit.

Owns the choice and the reasons for each role. The tables are `tables/teams.py` and `category.py`; which level's limit
applies is decided in `limits.py` and handed in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from delegator.analysis.category import TEAM_OF_CATEGORY
from delegator.analysis.complexity import Assessment
from delegator.analysis.tables.teams import DOMAIN_ROWS, TEAMS
from delegator.analysis.understanding import Reading
from delegator.roles.catalogue import Catalogue
from delegator.roles.rank import KNOWN_LEVELS, KNOWN_SUPERIORS
from delegator.schemas import TaskCategory, TaskType

JOIN_SCORE = 3.0
"""Words that weigh this much call a known role into a team beside the usual one."""

JOIN_WORDS = 2
"""So many different words must agree: one word may be what the task is about, and not whom it needs."""

JOIN_SHARE = 0.6
"""And this share of the strongest role's weight: who is only mentioned beside the matter does not join."""

OWN_ROLE_SCORE = 2.0
"""For roles that only the catalogue knows: one keyword calls them, since no table would."""

MEANT_SCORE = 1.5
"""In a text without a clear type, roles whose words weigh this much are taken as meant."""

GENERAL_TEAM_SIZE = 2
"""How many roles a text without a clear type gets at most: the two it most likely means."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A role the task may need."""

    role: str
    because: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """Candidates in order of need: the core is needed, the rest joins where the limit leaves room."""

    core: tuple[Candidate, ...]
    additions: tuple[Candidate, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Team:
    """The team within the limit."""

    members: tuple[Candidate, ...]
    """In order of rank."""
    notes: tuple[str, ...]


def choose(reading: Reading, assessment: Assessment, *, given: TaskCategory | None, catalogue: Catalogue) -> Choice:
    """Say whom the task needs, among the roles of the catalogue; the core is never empty."""
    if given is not None:
        wanted = [Candidate(role, f"belongs to the team of category {given.value}") for role in TEAM_OF_CATEGORY[given]]
        additions: list[Candidate] = []
    else:
        wanted = _usual_team(reading, assessment, catalogue)
        additions = [*_domain_additions(reading.task_type, assessment), *_called_for(reading)]
    core, notes = _existing(wanted, reading, catalogue)
    taken = {candidate.role for candidate in core}
    fitting = _first_of_each(a for a in additions if a.role in catalogue.roles and a.role not in taken)
    return Choice(tuple(core), tuple(fitting), tuple(notes))


def within(choice: Choice, max_agents: int, catalogue: Catalogue) -> Team:
    """Fill the team in order of need up to the limit, and put it in order of rank; say who was left out."""
    members = [*choice.core, *choice.additions][:max_agents]
    left_out = [candidate.role for candidate in [*choice.core, *choice.additions][max_agents:]]
    notes = list(choice.notes)
    if left_out:
        plural = "s" if max_agents != 1 else ""
        notes.append(f"Left out, because the limit is {max_agents} agent{plural}: {', '.join(left_out)}.")
    ranked = sorted(members, key=lambda candidate: catalogue.role(candidate.role).rank)
    return Team(tuple(ranked), tuple(notes))


def _usual_team(reading: Reading, assessment: Assessment, catalogue: Catalogue) -> list[Candidate]:
    if reading.task_type is TaskType.GENERAL:
        meant = [role for role, score in reading.roles.items() if score >= MEANT_SCORE][:GENERAL_TEAM_SIZE]
        if meant:
            return [Candidate(role, _because_of_words(role, reading), reading.words.get(role, ())) for role in meant]
    row = TEAMS[reading.task_type, assessment.level]
    what = f"{reading.task_type.value} of {assessment.level.value} complexity"
    return [Candidate(role, f"{what}: {row.why}", reading.words.get(role, ())) for role in row.roles]


def _domain_additions(task_type: TaskType, assessment: Assessment) -> Iterable[Candidate]:
    words = {part.indicator: part.words for part in assessment.parts}
    for row in DOMAIN_ROWS:
        if row.indicator in words and task_type in row.types:
            yield Candidate(row.role, row.why, words[row.indicator])


def _called_for(reading: Reading) -> Iterable[Candidate]:
    strongest = max(reading.roles.values(), default=0.0)
    called = [role for role, score in reading.roles.items() if _joins(role, score, reading, strongest=strongest)]
    # Whoever wrote keywords into a catalogue meant them: such roles come before those that only our tables suggest.
    for role in sorted(called, key=lambda role: role in KNOWN_LEVELS):
        yield Candidate(role, _because_of_words(role, reading), reading.words.get(role, ()))


def _joins(role: str, score: float, reading: Reading, *, strongest: float) -> bool:
    if role not in KNOWN_LEVELS:
        return score >= OWN_ROLE_SCORE
    words = reading.words.get(role, ())
    return len(words) >= JOIN_WORDS and score >= max(JOIN_SCORE, JOIN_SHARE * strongest)


def _because_of_words(role: str, reading: Reading) -> str:
    words = reading.words.get(role, ())
    return f"called for by: {', '.join(words[:5])}" if words else "the nearest to what the text says"


def _existing(wanted: Sequence[Candidate], reading: Reading, catalogue: Catalogue) -> tuple[list[Candidate], list[str]]:
    """Replace roles that the catalogue lacks by the nearest one up the line; never return an empty team."""
    core: list[Candidate] = []
    notes: list[str] = []
    for candidate in wanted:
        stand_in = _stand_in(candidate.role, catalogue.roles)
        if stand_in is None:
            notes.append(f"The catalogue has no {candidate.role}, and nobody above it to stand in.")
        elif stand_in == candidate.role:
            core.append(candidate)
        else:
            notes.append(f"The catalogue has no {candidate.role}: {stand_in} stands in.")
            core.append(Candidate(stand_in, f"stands in for {candidate.role}, {candidate.because}", candidate.words))
    if not core:
        role = next(iter(reading.roles), catalogue.names[0])
        notes = [f"None of the usual roles is in the catalogue, nor anybody above them: {role} takes the task."]
        core.append(Candidate(role, _because_of_words(role, reading), reading.words.get(role, ())))
    return _first_of_each(core), notes


def _stand_in(role: str | None, existing: Mapping[str, object]) -> str | None:
    while role is not None and role not in existing:
        role = KNOWN_SUPERIORS.get(role)
    return role


def _first_of_each(candidates: Iterable[Candidate]) -> list[Candidate]:
    return list({candidate.role: candidate for candidate in reversed(list(candidates))}.values())[::-1]
