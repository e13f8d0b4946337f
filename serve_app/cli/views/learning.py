"""How learning from use looks: feedback, an evaluation, a retraining, the versions."""

from __future__ import annotations

from rich.console import RenderableType

from delegator.schemas import (
    AnalysisEvaluation,
    CorpusFigures,
    GiveFeedbackReply,
    HistoryFigures,
    ListAnalysisVersionsReply,
    ReadingChange,
    ResetAnalysisReply,
    RetrainAnalysisReply,
)
from serve_app.cli.views.layout import facts, heading, line, names, table
from serve_app.formats import counted, duration, moment, one_line

TEXT_CHARS = 60

SHIPPED = "the shipped weights"


def feedback(reply: GiveFeedbackReply) -> list[RenderableType]:
    """Show what was recorded."""
    learned = "delegator analysis retrain learns from it" if reply.teaches else "it does not say what would be right"
    return [
        line(("Recorded", "bold"), f" for {reply.session_id}"),
        facts(
            (
                ("rating", f"{reply.rating} of 5" if reply.rating is not None else None),
                ("read as", _word(reply.task_type)),
                ("really was", _word(reply.right_type) if reply.right_type else None),
                ("missing", names(reply.missing_roles)),
                ("needless", names(reply.needless_roles)),
                ("comment", one_line(reply.comment)),
                ("lessons", f"{reply.lessons} in all; {learned}"),
            )
        ),
    ]


def evaluation(reply: AnalysisEvaluation) -> list[RenderableType]:
    """Show what history says and what retraining would change."""
    shown = [*_history(reply), *_outcome(reply)]
    if reply.refused is None:
        shown.append(line(("Next: delegator analysis retrain --apply", "dim")))
    return shown


def retrained(reply: RetrainAnalysisReply) -> list[RenderableType]:
    """Show what retraining changes, and whether it was applied."""
    shown = [*_history(reply), *_outcome(reply)]
    if reply.applied:
        return [*shown, line((f"Applied: version {reply.applied_version} reads from now on.", "green"))]
    return [*shown, line(("Nothing was applied.", "dim"))]


def reset(reply: ResetAnalysisReply) -> list[RenderableType]:
    """Show by what tasks are read now."""
    if reply.version == reply.version_before:
        return [line(f"Nothing changed: tasks are read by {_reader(reply.version)}.")]
    return [line(f"Tasks are read by {_reader(reply.version)} again, and not by {_reader(reply.version_before)}.")]


def versions(reply: ListAnalysisVersionsReply) -> list[RenderableType]:
    """Show the versions."""
    now = line(f"Tasks are read by {_reader(reply.version)}; there are {counted(reply.lessons, 'lesson')}.")
    if not reply.versions:
        return [now]
    rows = [
        (
            version.version,
            moment(version.at),
            version.lessons,
            _of(version.before.types_right, version.before.types_given),
            _of(version.after.types_right, version.after.types_given),
            "in use" if version.active else None if version.fits else "for other weights",
        )
        for version in reply.versions
    ]
    columns = (">version", "learned", ">lessons", ">right types before", ">after", "")
    return [now, line(), table(columns, rows, whole=("learned",))]


def _history(reply: AnalysisEvaluation) -> list[RenderableType]:
    kinds = ", ".join(f"{count} {_word(kind)}" for kind, count in sorted(reply.lessons_by_kind.items()))
    rating = f"{reply.mean_rating:g} of 5 on average" if reply.mean_rating is not None else None
    rows = [_fit("now", reply.now)]
    if reply.folds:
        rows += [_fit("shipped, held out", reply.before), _fit("retrained, held out", reply.after)]
    held_out = f"held out in {reply.folds} parts" if reply.folds else "too few texts to hold any out"
    return [
        line(("Learning from use", "bold"), f"  tasks are read by {_reader(reply.version)}"),
        facts((("lessons", f"{reply.lessons} ({kinds})" if kinds else reply.lessons), ("ratings", rating))),
        line(),
        heading("What history says", note=f"{counted(reply.texts, 'text')}, {held_out}"),
        table(("reading", ">right types", ">wanted roles there", ">unwanted roles there"), rows),
        line(),
        heading("Other texts", note=f"{counted(reply.corpus_before.texts, 'text')} of the project's corpus"),
        table(
            ("reading", ">right types", ">right role", ">among two"),
            [_corpus("shipped", reply.corpus_before), _corpus("retrained", reply.corpus_after)],
        ),
    ]


def _outcome(reply: AnalysisEvaluation) -> list[RenderableType]:
    shown: list[RenderableType] = [line()]
    if reply.changes:
        more = reply.changes_total - len(reply.changes)
        shown.append(heading("Would be read otherwise than now", note=f"and {more} more" if more else ""))
        shown.append(table(("text", "type", "team"), [_change(change) for change in reply.changes]))
    else:
        shown.append(line("No text of the history would be read otherwise than now."))
    shown.append(line())
    if reply.refused is not None:
        shown.append(line(("Refused: ", "red"), one_line(reply.refused)))
    shown.append(line((f"It took {duration(reply.seconds)}.", "dim")))
    return shown


def _change(change: ReadingChange) -> tuple[str, str, str]:
    types = _word(change.type_now)
    if change.type_then is not change.type_now:
        types = f"{types} → {_word(change.type_then)}"
    joins = [f"+{role}" for role in change.team_then if role not in change.team_now]
    leaves = [f"-{role}" for role in change.team_now if role not in change.team_then]
    return one_line(change.text, at_most=TEXT_CHARS), types, names([*joins, *leaves])


def _fit(reading: str, figures: HistoryFigures) -> tuple[str, str, str, str]:
    return (
        reading,
        _of(figures.types_right, figures.types_given),
        _of(figures.wanted_there, figures.wanted),
        _of(figures.unwanted_there, figures.unwanted),
    )


def _corpus(reading: str, figures: CorpusFigures) -> tuple[str, str, str, str]:
    return (reading, f"{figures.type_right:.1%}", f"{figures.role_right:.1%}", f"{figures.role_in_two:.1%}")


def _of(part: int, whole: int) -> str:
    return f"{part} of {whole}" if whole else "–"


def _reader(version: int | None) -> str:
    return SHIPPED if version is None else f"version {version}"


def _word(name: str) -> str:
    return name.replace("_", " ")
