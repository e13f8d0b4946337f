"""The analysis benchmark: the first description's rules, the measures, files of texts, drawings and the command."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench.analysis_report import origin
from bench.analysis_report.analysers import Answer, by_origin, ours, tfidf
from bench.analysis_report.cost import measure_cost
from bench.analysis_report.labelled import Labelled, TextSet, TextsInvalid, held_back, read_jsonl
from bench.analysis_report.leave_out import left_out
from bench.analysis_report.matrix import colour_of, ink_on, matrix
from bench.analysis_report.scores import confusion, macro_f1, score
from bench.analysis_report.tables import cost_table, score_table
from delegator.analysis.corpus import Row
from delegator.analysis.understanding import Reading
from delegator.words import TaskType

ROOT = Path(__file__).parents[2]

ROWS = (
    Labelled("Fix typo in README", "bug_fix", "senior_developer", "a"),
    Labelled("Add user authentication feature", "feature_development", None, "b"),
    Labelled("Plan Q2 roadmap and budget allocation", "strategic_planning", "ceo", "a"),
    Labelled("Hire two backend engineers", "hr", "chro", "b"),
    Labelled("Hello", None, None, "a"),
)

ANSWERS = (
    Answer("bug_fix", ("senior_developer",), 0.95, True),
    Answer("bug_fix", ("senior_developer", "test_lead"), 0.55, False),
    Answer("strategic_planning", ("ceo", "cto", "product_manager"), 0.75, True),
    Answer("strategic_planning", ("ceo", "cto"), 0.75, True),
    Answer("general", ("senior_developer",), 0.15, False),
)


def jsonl(folder: Path, *lines: object) -> Path:
    path = folder / "tasks.jsonl"
    path.write_text("".join((each if isinstance(each, str) else json.dumps(each)) + "\n" for each in lines))
    return path


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench", "analysis", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=100
    )


# ── the rules of the first description ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "task_type", "team"),
    [
        ("Fix typo in README", "bug_fix", ("senior_developer",)),
        ("Add user authentication feature", "feature_development", ("senior_developer", "test_lead")),
        ("Implement user authentication", "feature_development", ("senior_developer", "test_lead")),
        ("Plan Q2 roadmap and budget allocation", "strategic_planning", ("ceo", "product_manager", "operations_head")),
    ],
)
def test_the_origin_reads_its_own_examples(text: str, task_type: str, team: tuple[str, ...]) -> None:
    assert by_origin()(text) == Answer(task_type, team)


def test_the_first_pattern_that_is_found_anywhere_in_a_word_decides() -> None:
    assert origin.type_of("Our ADDRESS book page crashes on save") == "feature_development"
    assert origin.type_of("Rename prefix of metrics, then add a test") == "bug_fix"
    assert origin.type_of("Hire two backend engineers") == "general"


# ── the measures ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_measures_are_those_worked_out_by_hand() -> None:
    found = score(ROWS, ANSWERS, [1.0, 2.0, 3.0, 4.0, 5.0])

    assert (found.texts, found.with_type, found.with_role) == (5, 4, 3)
    assert found.type_accuracy == 0.5  # the first and the third of four
    # bug_fix: 1 hit of 1 true and 2 said, 2/3; strategic_planning the same; the other two types nothing
    assert found.macro_f1 == pytest.approx((2 / 3 + 2 / 3 + 0 + 0) / 4)
    assert found.role_in_team == pytest.approx(2 / 3)  # nobody took the CHRO in
    assert found.team_size == 2.0  # of 1, 3 and 2
    assert found.lift == pytest.approx((2 / 3) / (2 / 9))
    # four texts with a type: .95 right; .55 wrong; two of .75, of which one is right
    assert found.calibration_error == pytest.approx(0.25 * 0.05 + 0.25 * 0.55 + 0.5 * 0.25)
    assert found.sure == 0.75
    assert found.right_when_sure == pytest.approx(2 / 3)
    assert found.ms_p50 == 3.0
    assert found.ms_p95 == pytest.approx(4.8)


def test_what_cannot_be_measured_is_none() -> None:
    found = score([Labelled("Hello", None, "ceo")], [Answer("general", ("cto",))], [1.0])

    assert found.type_accuracy is found.macro_f1 is found.calibration_error is found.sure is None
    assert (found.role_in_team, found.lift) == (0.0, 0.0)


def test_an_analyser_that_never_abstains_has_no_share_of_doubt() -> None:
    found = score(ROWS[:1], [Answer("bug_fix", ("ceo",), 1.0)], [1.0])

    assert found.sure is found.right_when_sure is None
    assert found.calibration_error == 0.0


def test_confusion_counts_true_by_said() -> None:
    pairs = [("a", "a"), ("a", "b"), ("a", "b"), ("b", "b")]

    assert confusion(pairs, ["a", "b", "c"]) == [[1, 2, 0], [0, 1, 0], [0, 0, 0]]
    assert macro_f1(pairs) == pytest.approx((2 * 1 / (3 + 1) + 2 * 1 / (1 + 3)) / 2)


def test_ours_names_the_most_needed_role_first() -> None:
    class OnlyHr:
        def read(self, text: str) -> Reading:
            return Reading(chances={TaskType.HR: 1.0}, own={"chro": 0.9}, possible=(TaskType.HR,))

    found = ours(OnlyHr())("Adjust salaries after the annual review")

    assert (found.task_type, found.team[0], found.probability, found.sure) == ("hr", "chro", 1.0, True)


def small_corpus() -> list[Row]:
    """Three kinds of work in words that never meet; in the style `issue` the same words mean another kind."""
    texts = ("hire people for team", "repair crash in parser", "move company into market")
    meant = ((TaskType.HR, "chro"), (TaskType.BUG_FIX, "test_lead"), (TaskType.STRATEGIC_PLANNING, "ceo"))
    return [
        Row(f"{text} {number} {style}", kind, (role,), style)
        for number in range(60)
        for style, meanings in (("request", meant), ("issue", (*meant[1:], meant[0])))
        for text, (kind, role) in zip(texts, meanings, strict=True)
    ]


def test_tfidf_learns_type_and_role_from_the_corpus() -> None:
    analyse = tfidf(row for row in small_corpus() if row.style == "request")

    found = analyse("please hire people")

    assert (found.task_type, found.team[0], len(found.team)) == ("hr", "chro", 2)
    assert found.probability is not None
    assert 0.5 < found.probability < 1
    assert found.sure is None


def test_a_style_that_is_left_out_is_not_learned_from() -> None:
    corpus = small_corpus()
    held = sum(row.part == "held_back" and row.style == "issue" for row in corpus)

    found = list(left_out(corpus, ["issue"]))

    assert [(style, name, scores.texts) for style, name, scores in found] == [
        ("issue", "tfidf", held),
        ("issue", "ours", held),
    ]
    assert [scores.type_accuracy for _, _, scores in found] == [0.0, 0.0]  # the other style says otherwise


# ── the texts ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_file_of_texts_is_read_with_its_labels(tmp_path: Path) -> None:
    path = jsonl(
        tmp_path,
        {"text": "Fix typo", "expected_task_type": "bug_fix", "expected_role": None, "source": "here", "more": 1},
        "",
        {"text": "Hire", "expected_role": "chro"},
    )

    found = read_jsonl(path)

    rows = (Labelled("Fix typo", "bug_fix", None, "here"), Labelled("Hire", None, "chro", ""))
    assert found == TextSet("tasks", rows)
    assert found.parts(by_group=False) == [("tasks", [0, 1])]
    assert found.parts(by_group=True) == [("tasks", [0, 1]), ("tasks: no source", [1]), ("tasks: here", [0])]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "is no JSON:"),
        ([], "is no JSON object"),
        ({"expected_role": "ceo"}, "text is missing"),
        ({"text": "  "}, "text cannot be analysed: is empty"),
        ({"text": "a\x00b"}, "text cannot be analysed: contains a NUL character"),
        ({"text": "x", "expected_task_type": "bugfix"}, "expected_task_type is 'bugfix'; it is null or one of bug_fix"),
        ({"text": "x", "expected_role": ["ceo"]}, "expected_role is ['ceo']; it is null or one of ceo"),
    ],
)
def test_a_wrong_row_is_told_with_its_line(tmp_path: Path, line: object, problem: str) -> None:
    path = jsonl(tmp_path, {"text": "Fix typo"}, line)

    with pytest.raises(TextsInvalid, match=re.escape(f"tasks.jsonl:2: {problem}")):
        read_jsonl(path)


def test_a_file_without_rows_and_one_that_is_not_there_are_told(tmp_path: Path) -> None:
    with pytest.raises(TextsInvalid, match="has no rows"):
        read_jsonl(jsonl(tmp_path))
    with pytest.raises(TextsInvalid, match="cannot be read"):
        read_jsonl(tmp_path / "none.jsonl")


def test_only_what_was_held_back_is_measured() -> None:
    rows = [Row(f"text {number}", TaskType.HR, ("chro", "ceo"), "request") for number in range(200)]

    found = held_back(rows)

    assert {row.text for row in found.rows} == {row.text for row in rows if row.part == "held_back"}
    assert 0 < len(found.rows) < 60
    assert {(row.task_type, row.role, row.group) for row in found.rows} == {("hr", "chro", "request")}


def test_a_sample_is_the_same_each_time() -> None:
    texts = TextSet("all", ROWS)

    assert texts.sample(3) == texts.sample(3) != texts
    assert len(texts.sample(3).rows) == 3
    assert texts.sample(None) == texts.sample(9) == texts


# ── drawing and telling ───────────────────────────────────────────────────────────────────────────────────────────


def test_the_matrix_is_well_formed_and_tells_itself() -> None:
    drawing = ElementTree.fromstring(matrix([[3, 1], [0, 0]], ["bug_fix", "hr"], title="A & B", description="x < y"))

    told = {element.tag.rpartition("}")[2]: element.text for element in reversed(list(drawing))}
    assert (told["title"], told["desc"]) == ("A & B", "x < y")
    assert drawing.get("aria-labelledby") == "title desc"
    words = [element.text for element in drawing.iter() if element.text]
    assert "bug fix read as hr: 1 of 4 texts, 25.0%" in words
    assert "hr read as hr: 0 of 0 texts, 0.0%" in words
    assert {"75", "25", "3", "1"} <= set(words)
    assert words.count("bug fix") == words.count("hr") == 2  # a row and a column each


def test_figures_can_be_read_on_every_ground() -> None:
    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    def contrast(one: str, other: str) -> float:
        dark, light = sorted((luminance(one), luminance(other)))
        return (light + 0.05) / (dark + 0.05)

    shares = [number / 200 for number in range(201)]

    assert min(contrast(colour_of(share), ink_on(share)) for share in shares) >= 4.5


def test_the_table_has_a_line_for_each_and_a_dash_for_nothing() -> None:
    found = score(ROWS[:1], [Answer("bug_fix", ("ceo", "cto"))], [2.0])

    line = score_table([("mine", "origin", found)]).splitlines()[-1]

    assert line == "| mine | 1 | origin | 1.000 | 1.000 | 0.000 | 2.00 | 0.00 | – | – | – | 2.00 / 2.00 |"


def test_cost_is_measured_in_real_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.analysis_report.cost.FRESH_PROCESSES", 1)

    found = measure_cost([row.text for row in ROWS])

    assert found.weights_bytes == (ROOT / "delegator/analysis/data/weights.npz").stat().st_size
    assert found.added_bytes > found.weights_bytes  # they are held in memory, beside numpy
    assert min(found.import_s, found.first_call_s, found.start_s, found.lines_per_s) > 0
    assert f"| {found.weights_bytes / 1e6:.2f} MB |" in cost_table(found)


# ── the command ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_file_is_measured_and_drawn(tmp_path: Path) -> None:
    rows = [{"text": row.text, "expected_task_type": row.task_type, "expected_role": row.role} for row in ROWS]
    path, folder = jsonl(tmp_path, *rows), tmp_path / "pictures"

    done = bench(
        "--skip", "corpus,cost", "--jsonl", str(path), "--analyser", "ours,origin", "--json", "--plot", str(folder)
    )

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [(row["set"], row["analyser"]) for row in told["scores"]] == [("tasks", "origin"), ("tasks", "ours")]
    first = told["scores"][0]
    assert (first["type_accuracy"], first["role_in_team"]) == (0.75, 0.6667)  # it knows no hr, and sends the developer
    assert (told["left_out"], told["cost"]) == ([], None)
    assert sorted(file.name for file in folder.iterdir()) == ["analysis-roles.svg", "analysis-types.svg"]
    for file in folder.iterdir():
        ElementTree.parse(file)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--skip", "corpus"], "nothing to measure"),
        (["--skip", "corpus", "--jsonl", "/nowhere.jsonl"], "/nowhere.jsonl: cannot be read"),
        (["--analyser", "best"], "there is no best; there are origin, tfidf, ours"),
        (["--leave-out", "poem"], "there is no poem; there are brief, chat"),
        (["--limit", "few"], "'few' is no number of texts"),
    ],
)
def test_a_wrong_option_is_told(arguments: list[str], problem: str) -> None:
    done = bench(*arguments)

    assert done.returncode == 2
    assert problem in done.stderr
    assert done.stdout == ""
