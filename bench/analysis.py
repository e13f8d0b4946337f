"""How well and how fast tasks are read: the first description's patterns, TF-IDF with logistic regression, and ours.

On the part of the project's corpus that nothing was trained on, whole and by style, and on any file of labelled texts.
Standard output carries the result alone: JSON with `--json`, else Markdown tables; whatever else there is to say goes
to standard error. Everything runs in turn, so that times are those of one call at a time; reading the corpus and
training TF-IDF take minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cache, partial
from pathlib import Path

from bench.analysis_report.analysers import NAMES, OURS, Analyse, Answer, make
from bench.analysis_report.cost import Cost, measure_cost
from bench.analysis_report.labelled import Labelled, TextSet, TextsInvalid, held_back, read_jsonl
from bench.analysis_report.leave_out import left_out
from bench.analysis_report.matrix import matrix
from bench.analysis_report.scores import Scores, answers_of, confusion, score
from bench.analysis_report.tables import cost_table, score_table
from delegator.analysis.corpus import STYLES, Row, read_corpus
from delegator.roles.rank import KNOWN_LEVELS
from delegator.words import TaskType

COST_TEXTS, LEAST_COST_TEXTS = 1_000, 100
"""So many texts are read where cost is measured, and so many are needed for that."""

PARTS = ("corpus", "cost")

Results = list[tuple[str, str, Scores]]
"""(texts, analyser, scores)."""


@cache
def corpus() -> Sequence[Row]:
    return read_corpus()


def measure(texts: TextSet, analysers: Mapping[str, Analyse], *, by_group: bool) -> tuple[Results, list[Answer] | None]:
    """Return the scores of every analyser on a set, and on each of its groups; and what ours answered to the whole."""
    results: Results = []
    answers: dict[str, list[Answer]] = {}
    taken: dict[str, list[float]] = {}
    for name, analyse in analysers.items():
        answers[name], taken[name] = answers_of(analyse, texts.rows)
    for part, places in texts.parts(by_group=by_group):
        rows = [texts.rows[place] for place in places]
        for name in analysers:
            found = score(rows, [answers[name][at] for at in places], [taken[name][at] for at in places])
            results.append((part, name, found))
    return results, answers.get(OURS)


def draw(folder: Path, texts: TextSet, answers: Sequence[Answer]) -> None:
    """Write the confusion matrices of ours, of types and of roles, into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for what, title, names, pairs in (
        ("types", "Task types as they are read", list(TaskType), _pairs(texts.rows, answers, "task_type")),
        (
            "roles",
            "Whose work it is, and the role most needed",
            list(KNOWN_LEVELS),
            _pairs(texts.rows, answers, "role"),
        ),
    ):
        right = sum(true == said for true, said in pairs) / max(len(pairs), 1)
        told = (
            f"Confusion matrix of the {what} on {len(pairs)} texts ({texts.name}): {right:.0%} lie on the diagonal, "
            "which is right. Each row is one true label and adds up to 100 %."
        )
        drawing = matrix(confusion(pairs, names), names, title=f"{title} ({texts.name})", description=told)
        (folder / f"analysis-{what}.svg").write_text(drawing, encoding="utf-8")


def _pairs(rows: Sequence[Labelled], answers: Sequence[Answer], label: str) -> list[tuple[str, str]]:
    said = [answer.task_type if label == "task_type" else answer.team[0] for answer in answers]
    return [(true, found) for row, found in zip(rows, said, strict=True) if (true := getattr(row, label)) is not None]


# ── the command line ──────────────────────────────────────────────────────────────────────────────────────────────────


def main() -> None:
    """Measure what was asked for and print."""
    options = _options()
    given = options.parse_args()
    try:
        files = [read_jsonl(path).sample(given.limit) for path in given.jsonl]
    except TextsInvalid as exc:
        options.error(str(exc))
    sets = [*([] if "corpus" in given.skip else [held_back(corpus()).sample(given.limit)]), *files]
    if not sets and not given.leave_out:
        options.error("nothing to measure: --skip corpus needs a file, as in --jsonl tasks.jsonl")
    if given.plot is not None and (not sets or OURS not in given.analyser):
        options.error("--plot draws what ours answers: leave it among the analysers, and give texts")
    begun, load = time.perf_counter(), os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, load average {load:.1f} at the start", file=sys.stderr)
    for texts in sets:
        print(f"{texts.name}: {len(texts.rows)} texts", file=sys.stderr)
    results = _measured(given, sets)
    cost = None if "cost" in given.skip or not sets else _cost(sets[0])
    without = [(f"{style}, left out", name, found) for style, name, found in left_out(corpus(), given.leave_out)]
    print(_json(results, without, cost) if given.json else _tables(results, without, cost))
    print(f"measured in {time.perf_counter() - begun:.0f} s", file=sys.stderr)


def _measured(given: argparse.Namespace, sets: Sequence[TextSet]) -> Results:
    analysers = make(given.analyser, corpus) if sets else {}
    results: Results = []
    for number, texts in enumerate(sets):
        by_group = given.by_source or (number == 0 and "corpus" not in given.skip)
        found, answers = measure(texts, analysers, by_group=by_group)
        results += found
        if number == 0 and given.plot is not None and answers is not None:
            draw(given.plot, texts, answers)
    return results


def _cost(texts: TextSet) -> Cost | None:
    if len(texts.rows) < LEAST_COST_TEXTS:
        print(f"cost is not measured: it takes {LEAST_COST_TEXTS} texts, {texts.name} has fewer", file=sys.stderr)
        return None
    return measure_cost([row.text for row in texts.sample(COST_TEXTS).rows])


def _tables(results: Results, without: Results, cost: Cost | None) -> str:
    parts = [score_table(rows) for rows in (results, without) if rows]
    return "\n\n".join([*parts, *([] if cost is None else [cost_table(cost)])])


def _json(results: Results, without: Results, cost: Cost | None) -> str:
    def told(rows: Results) -> list[dict[str, object]]:
        return [{"set": texts, "analyser": name, **_rounded(asdict(scores))} for texts, name, scores in rows]

    found = {"scores": told(results), "left_out": told(without), "cost": cost and _rounded(asdict(cost))}
    return json.dumps(found, indent=1)


def _rounded(figures: dict[str, float | None]) -> dict[str, float | None]:
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in figures.items()}


def _options() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog="python -m bench analysis", description=__doc__)
    options.add_argument("--json", action="store_true", help="one JSON object with everything")
    options.add_argument("--plot", type=Path, metavar="FOLDER", help="draw the confusion matrices of ours (first set)")
    options.add_argument(
        "--jsonl",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help='texts to measure on too, one a line: {"text": ..., "expected_task_type": ..., "expected_role": ...}; '
        "labels may be null, source may stand beside them; may be given again",
    )
    options.add_argument("--by-source", action="store_true", help="each source of a file by itself, too")
    options.add_argument("--limit", type=_count, metavar="N", help="at most N texts of each set, always the same ones")
    listed = partial(options.add_argument, default=())
    listed(
        "--analyser",
        type=partial(_names, NAMES),
        default=NAMES,
        metavar="NAME[,NAME...]",
        help=f"of {', '.join(NAMES)}",
    )
    listed("--skip", type=partial(_names, PARTS), metavar="PART[,PART...]", help=f"of {', '.join(PARTS)}")
    styles = tuple(sorted(STYLES))
    listed(
        "--leave-out",
        type=partial(_names, styles),
        metavar="STYLE[,STYLE...]",
        help=f"train anew without a style and measure on it; takes minutes each; of {', '.join(styles)}",
    )
    options.add_argument(
        "--styles", dest="leave_out", action="store_const", const=styles, help="leave out every style in turn"
    )
    return options


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 2:
        raise argparse.ArgumentTypeError(f"'{text}' is no number of texts, of which there must be 2 at least")
    return int(text)


def _names(known: Sequence[str], text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(text.split(",")))
    unknown = [name for name in names if name not in known]
    if unknown:
        raise argparse.ArgumentTypeError(f"there is no {unknown[0] or 'empty name'}; there are {', '.join(known)}")
    return names


if __name__ == "__main__":
    main()
