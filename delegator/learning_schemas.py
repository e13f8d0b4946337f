"""Learning from use in the public vocabulary: feedback, what history would change, the versions of what was learned.

A module of its own beside `delegator/schemas.py`, which gives its names on.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from delegator.fields import Count, Moment, Name, Ratio, Reply, Request, RoleNames, ShortText, no_bool
from delegator.words import TaskType

Rating = Annotated[int, BeforeValidator(no_bool), Field(ge=1, le=5)]
"""1: the reading was of no use; 5: it was right."""


class GiveFeedbackRequest(Request):
    """What somebody says about how a session's task was read, and about its team."""

    session_id: Name = Field(description="Id of a session, open or ended.")
    rating: Rating | None = Field(None, description="1: of no use, to 5: right.")
    right_type: TaskType | None = Field(None, description="What kind of work it really was.")
    missing_roles: RoleNames = Field((), description="Roles that the team should have had.")
    needless_roles: RoleNames = Field((), description="Roles that the team did not need.")
    comment: ShortText = Field("", description="Anything else; kept, not learned from.")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.rating or self.right_type or self.missing_roles or self.needless_roles or self.comment.strip()):
            raise ValueError("nothing is said; give rating, right_type, missing_roles, needless_roles or comment")
        both = [role for role in self.missing_roles if role in self.needless_roles]
        if both:
            raise ValueError(f"{both[0]} is said to be missing and needless")
        return self


class GiveFeedbackReply(Reply):
    """What was recorded."""

    session_id: str
    rating: int | None
    right_type: TaskType | None
    missing_roles: list[str]
    needless_roles: list[str]
    comment: str
    task_type: TaskType = Field(description="As the task was read.")
    teaches: bool = Field(description="False: a rating and a comment alone do not say what would have been right.")
    lessons: int = Field(description="Lessons in all; retrain_analysis learns from them.")


class HistoryFigures(Reply):
    """How readings of texts go with what was said of them."""

    types_given: int = Field(description="Texts of which somebody said the right type.")
    types_right: int = Field(description="Those of them that are read as it.")
    wanted: int = Field(description="Roles that history called for.")
    wanted_there: int = Field(description="Those of them that are in the team.")
    unwanted: int = Field(description="Roles that history did not call for.")
    unwanted_there: int = Field(description="Those of them that are in the team all the same.")


class CorpusFigures(Reply):
    """How a reading does on the project's own labelled texts, which it has not seen."""

    texts: int
    type_right: Ratio
    role_right: Ratio
    role_in_two: Ratio = Field(description="Share of texts whose role is one of the two likeliest.")


class ReadingChange(Reply):
    """A text that retraining would read otherwise."""

    text: str = Field(description="Its beginning.")
    type_now: TaskType
    type_then: TaskType
    team_now: list[str]
    team_then: list[str]


class AnalysisEvaluation(Reply):
    """What history says about the reading of tasks, and what retraining from it would change."""

    version: int | None = Field(description="The learned version in use; None: the shipped weights alone.")
    lessons: int = Field(description="Lessons in all.")
    lessons_by_kind: dict[str, int]
    mean_rating: float | None = Field(description="Of the ratings given; None without any.")
    texts: int = Field(description="Texts the figures are of: the newest that teach something.")
    now: HistoryFigures = Field(description="The reading in use; it may have learned from these very texts.")
    before: HistoryFigures = Field(description="The shipped reading, on texts that training then leaves out.")
    after: HistoryFigures = Field(description="A retrained one, on the same texts, each unseen by it.")
    folds: int = Field(description="In so many parts texts were held out; 0: too few, before and after say nothing.")
    corpus_before: CorpusFigures = Field(description="The shipped reading on the held-back corpus.")
    corpus_after: CorpusFigures = Field(description="The retrained one on it.")
    changes: list[ReadingChange] = Field(description="Texts that would be read otherwise than now, 50 at most.")
    changes_total: int
    refused: str | None = Field(description="Why retraining is not to be applied; None: it may be.")
    seconds: float = Field(description="Real seconds this took.")


class RetrainAnalysisRequest(Request):
    """Whether to show what retraining would do, or to do it."""

    apply: bool = Field(False, description="Store and use what was learned; without it it is only shown.")


class RetrainAnalysisReply(AnalysisEvaluation):
    """What retraining changes, and whether it was applied."""

    applied: bool
    applied_version: int | None = Field(description="The version it is; None where nothing was applied.")


class ResetAnalysisRequest(Request):
    """Where to go back to."""

    to: Annotated[Count, Field(ge=1, le=2**62)] | None = Field(
        None, description="An earlier version; without it the shipped weights alone."
    )


class ResetAnalysisReply(Reply):
    """By what tasks are read now."""

    version: int | None = Field(description="The learned version in use now; None: the shipped weights alone.")
    version_before: int | None


class AnalysisVersionInfo(Reply):
    """One version of what was learned."""

    version: int
    at: Moment
    active: bool
    lessons: int = Field(description="Lessons it was learned from.")
    before: HistoryFigures = Field(description="The shipped reading on held-out texts, when it was applied.")
    after: HistoryFigures = Field(description="This kind of version on them.")
    fits: bool = Field(description="False: it was learned beside other shipped weights and cannot be used.")


class ListAnalysisVersionsReply(Reply):
    """Every version, the newest first."""

    version: int | None = Field(description="The version in use; None: the shipped weights alone.")
    versions: list[AnalysisVersionInfo]
    lessons: int = Field(description="Lessons there are now.")
