"""Choosing the team: who is needed, whom people want in or out, who stands in, within the agent limit.

Owns the choice and the reason for each role. How much each role is needed is `needs.py`, whether it should be a team
at all `gate.py`, what people decide themselves `wishes.py`; which level's limit applies is decided in `limits.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from delegator.analysis.category import TEAM_OF_CATEGORY
from delegator.analysis.complexity import Assessment
from delegator.analysis.gate import Gate
from delegator.analysis.needs import NEEDED, OWN_SHARE, USUAL_MARGIN, Need
from delegator.analysis.tables.teams import DOMAIN_ROWS, TEAMS, DomainRow
from delegator.analysis.understanding import Reading
from delegator.analysis.wishes import Wishes
from delegator.errors import InvalidInput
from delegator.roles.catalogue import Catalogue
from delegator.roles.rank import KNOWN_LEVELS, KNOWN_SUPERIORS
from delegator.words import TaskType


class Candidate(NamedTuple):
    """A role the task may need."""

    role: str
    because: str
    words: tuple[str, ...] = ()


class Choice(NamedTuple):
    """Candidates in order of need: the core is needed, the rest joins where the limit leaves room."""

    core: tuple[Candidate, ...]
    additions: tuple[Candidate, ...]
    notes: tuple[str, ...]


class Team(NamedTuple):
    """The team within the limit."""

    members: tuple[Candidate, ...]
    """In order of rank."""
    left_out: tuple[Candidate, ...]
    """Who would have joined if the limit had left room."""
    notes: tuple[str, ...]

    @property
    def roles(self) -> list[str]:
        return [member.role for member in self.members]


def choose(
    reading: Reading, needs: Sequence[Need], assessment: Assessment, gate: Gate, wishes: Wishes, catalogue: Catalogue
) -> Choice:
    """Say whom the task gets, among the roles of the catalogue; the core is never empty.

    Raises:
        InvalidInput: everybody the task could get is excluded.
    """
    pinned = [Candidate(role, f"{who} pins it") for role, who in wishes.pin.items()]
    included = [Candidate(role, f"{who} wants it in the team") for role, who in wishes.include.items()]
    if wishes.category is not None:
        category, who = wishes.category
        because = f"belongs to the team of category {category.value}, given by {who}"
        wanted, additions = [Candidate(role, because) for role in TEAM_OF_CATEGORY[category]], []
    else:
        wanted = _needed(reading, needs, assessment, gate)
        additions = (
            [] if gate.single and gate.words else [*_domain_additions(reading, assessment), *_called_by_name(reading)]
        )
    core, notes = _existing([*pinned, *wanted], reading, wishes, catalogue)
    taken = {candidate.role for candidate in core}
    further = _first_of_each(
        candidate
        for candidate in [*included, *additions]
        if candidate.role in catalogue.roles and candidate.role not in taken and candidate.role not in wishes.exclude
    )
    if not core and further:
        core, further = further[:1], further[1:]
    return Choice(tuple(core), tuple(further), tuple(notes))


def within(choice: Choice, max_agents: int, catalogue: Catalogue) -> Team:
    """Fill the team in order of need up to the limit, and put it in order of rank; say who was left out."""
    everybody = [*choice.core, *choice.additions]
    members, left_out = everybody[:max_agents], everybody[max_agents:]
    notes = list(choice.notes)
    if left_out:
        plural = "s" if max_agents != 1 else ""
        names = ", ".join(candidate.role for candidate in left_out)
        notes.append(f"Left out, because the limit is {max_agents} agent{plural}: {names}.")
    ranked = sorted(members, key=lambda candidate: catalogue.role(candidate.role).rank)
    return Team(tuple(ranked), tuple(left_out), tuple(notes))


def _needed(reading: Reading, needs: Sequence[Need], assessment: Assessment, gate: Gate) -> list[Candidate]:
    known = [need for need in needs if need.role in KNOWN_LEVELS]
    needed = [need for need in known if need.is_needed] or known[:1]
    if gate.single:
        needed = needed[:1]
    return [_candidate(need, reading, assessment) for need in needed]


def _candidate(need: Need, reading: Reading, assessment: Assessment) -> Candidate:
    row = TEAMS[reading.task_type, assessment.level]
    words = reading.words.get(need.role, ())
    if need.untaught < NEEDED <= need.total:
        return Candidate(need.role, "use has taught that such work needs it", words)
    if OWN_SHARE * need.own >= (1 - OWN_SHARE) * need.usual:
        return Candidate(need.role, f"the work reads as its own ({need.own:.0%})", words)
    if need.role in row.roles:
        what = f"{reading.task_type.value} of {assessment.level.value} complexity"
        return Candidate(need.role, f"{what}: {row.why}", words)
    return Candidate(need.role, f"usual for what the text may mean besides ({need.usual:.0%})", words)


def _domain_additions(reading: Reading, assessment: Assessment) -> Iterable[Candidate]:
    if not assessment.indicators:
        return
    words = {part.indicator: part.words for part in assessment.parts}
    for row in domain_rows(reading.task_type, assessment):
        if reading.taught.get(row.role, 0.0) + USUAL_MARGIN >= 0:  # as hard to unlearn as a usual role
            yield Candidate(row.role, row.why, words[row.indicator])


def domain_rows(task_type: TaskType, assessment: Assessment) -> list[DomainRow]:
    """Return the rows by which what is at stake brings in a role."""
    return [row for row in DOMAIN_ROWS if row.indicator in assessment.indicators and task_type in row.types]


def _called_by_name(reading: Reading) -> Iterable[Candidate]:
    """Yield the roles only the catalogue knows: one of its keywords calls them, since no table would."""
    for role in reading.own:
        if role not in KNOWN_LEVELS:
            words = reading.words.get(role, ())
            yield Candidate(role, f"called for by: {', '.join(words[:5])}", words)


def _existing(
    wanted: Sequence[Candidate], reading: Reading, wishes: Wishes, catalogue: Catalogue
) -> tuple[list[Candidate], list[str]]:
    """Replace roles that the catalogue lacks by the nearest one up the line; never return an empty team."""
    core: list[Candidate] = []
    notes: list[str] = []
    allowed: Mapping[str, object] = catalogue.roles
    if wishes.exclude:
        allowed = {role: None for role in allowed if role not in wishes.exclude}
    for candidate in wanted:
        if candidate.role in wishes.exclude:
            continue
        stand_in = _stand_in(candidate.role, allowed)
        if stand_in is None:
            notes.append(f"The catalogue has no {candidate.role}, and nobody above it to stand in.")
        elif stand_in == candidate.role:
            core.append(candidate)
        else:
            notes.append(f"The catalogue has no {candidate.role}: {stand_in} stands in.")
            core.append(Candidate(stand_in, f"stands in for {candidate.role}, {candidate.because}", candidate.words))
    if not core and not wishes.include:
        role = _last_resort(wanted, reading, allowed)
        if wishes.exclude:
            notes = [f"Everybody the task calls for is kept out: {role} takes it."]
        else:
            notes = [f"None of the usual roles is in the catalogue, nor anybody above them: {role} takes the task."]
        core.append(Candidate(role, "the nearest to what the text says", reading.words.get(role, ())))
    return _first_of_each(core), notes


def _last_resort(wanted: Sequence[Candidate], reading: Reading, allowed: Mapping[str, object]) -> str:
    """Return who takes a task that nobody wanted can take: the next above them, or whom the words call for most."""
    above = (_stand_in(candidate.role, allowed) for candidate in wanted)
    nearest = (role for role in reading.own if role in allowed)
    role = next((role for role in (*above, *nearest, *allowed) if role is not None), None)
    if role is None:
        raise InvalidInput("exclude_roles", "leaves nobody", "Leave at least one role of the catalogue.")
    return role


def _stand_in(role: str | None, existing: Mapping[str, object]) -> str | None:
    while role is not None and role not in existing:
        role = KNOWN_SUPERIORS.get(role)
    return role


def _first_of_each(candidates: Iterable[Candidate]) -> list[Candidate]:
    return list({candidate.role: candidate for candidate in reversed(list(candidates))}.values())[::-1]
