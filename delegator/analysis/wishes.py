"""What people decide themselves about a team: the caller's own words, and standing rules of the settings beneath them.

Owns who may overrule whom: a caller stands above a rule, a rule above the text. Whom the text calls for is `needs.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from delegator.analysis.words import Words, split_words
from delegator.errors import InvalidInput
from delegator.roles.catalogue import Catalogue
from delegator.task_analysis import TeamWishes
from delegator.words import TaskCategory, TaskType

if TYPE_CHECKING:
    from delegator.settings import StandingRule

CALLER = "the caller"


class Wishes(NamedTuple):
    """What was decided; each role stands in one of the three at most.

    Attributes:
        pin, include, exclude: {role: who wants it so}.
        category: the category that fixes the team, and who gave it.
    """

    pin: Mapping[str, str]
    include: Mapping[str, str]
    exclude: Mapping[str, str]
    category: tuple[TaskCategory, str] | None


def ensure_possible(request: TeamWishes, catalogue: Catalogue) -> None:
    """Refuse wishes that cannot be kept.

    Raises:
        UnknownRole: the catalogue has no such role.
        InvalidInput: a role is wanted in and out, or nobody is left.
    """
    for role in (*request.include_roles, *request.exclude_roles, *request.pin_roles):
        catalogue.role(role)
    if not request.exclude_roles:
        return
    torn = [role for role in request.exclude_roles if role in (*request.include_roles, *request.pin_roles)]
    if torn:
        raise InvalidInput(
            "exclude_roles", f"names {torn[0]}, which shall also be in the team", "Name each role in one list only."
        )
    if set(request.exclude_roles) >= set(catalogue.names):
        raise InvalidInput("exclude_roles", "leaves nobody", "Leave at least one role of the catalogue.")


def wishes_of(
    request: TeamWishes, rules: Sequence[StandingRule], task_type: TaskType, words: Words, catalogue: Catalogue
) -> Wishes:
    """Return the caller's wishes, and those of the standing rules that apply and do not contradict them.

    Roles that a rule names and the catalogue lacks are passed over: rules outlive catalogues.
    """
    decided = {
        role: (kind, CALLER)
        for kind, roles in (
            ("pin", request.pin_roles),
            ("include", request.include_roles),
            ("exclude", request.exclude_roles),
        )
        for role in roles
    }
    category = None if request.task_category is None else (request.task_category, CALLER)
    if not decided and not rules:
        return Wishes({}, {}, {}, category)
    for number, rule in enumerate(rules, 1):
        if not _applies(rule, task_type, words):
            continue
        who = f"standing rule {rule.name or number}"
        for kind, roles in (("pin", rule.pin_roles), ("include", rule.include_roles), ("exclude", rule.exclude_roles)):
            for role in roles:
                if role in catalogue.roles:
                    decided.setdefault(role, (kind, who))
        if category is None and rule.task_category is not None:
            category = (rule.task_category, who)

    def of(kind: str) -> dict[str, str]:
        return {role: who for role, (found, who) in decided.items() if found == kind}

    return Wishes(of("pin"), of("include"), of("exclude"), category)


def _applies(rule: StandingRule, task_type: TaskType, words: Words) -> bool:
    if rule.task_types and task_type not in rule.task_types:
        return False
    return not rule.words or any(_stands_in(phrase, words.words) for phrase in rule.words)


def _stands_in(phrase: str, words: Sequence[str]) -> bool:
    wanted = split_words(phrase).words
    return bool(wanted) and any(
        tuple(words[at : at + len(wanted)]) == wanted for at in range(len(words) - len(wanted) + 1)
    )
