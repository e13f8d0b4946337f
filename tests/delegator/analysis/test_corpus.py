"""The corpus: its format, its balance, and which rows are held back."""

from collections import Counter

import pytest

from delegator.analysis.corpus import CorpusInvalid, digest_of, parse, read_corpus
from delegator.roles.rank import KNOWN_LEVELS
from delegator.words import TaskType

ROWS = read_corpus()


def test_it_is_broad_and_balanced():
    types, leads = Counter(row.task_type for row in ROWS), Counter(row.roles[0] for row in ROWS)
    styles = Counter(row.style for row in ROWS)

    assert len(ROWS) > 40_000
    assert set(types) == set(TaskType)
    assert min(types.values()) > 1_500
    assert set(leads) == set(KNOWN_LEVELS)
    assert min(leads.values()) > 1_000
    assert min(styles.values()) > 400


def test_no_text_stands_twice():
    seen = Counter(" ".join(row.text.lower().split()).rstrip(".!?") for row in ROWS)

    assert [text for text, times in seen.items() if times > 1 and text] == []


def test_every_type_and_role_is_in_every_part():
    for part in ("train", "tune", "held_back"):
        rows = [row for row in ROWS if row.part == part]
        assert {row.task_type for row in rows} == set(TaskType)
        assert {row.roles[0] for row in rows} == set(KNOWN_LEVELS)


def test_a_row_keeps_its_part_whatever_stands_beside_it():
    [row] = parse("x.txt", ["== bug_fix | senior_developer | issue", "Crash on save"])

    assert next(parse("y.txt", ["== hr | chro ceo | chat", "crash on SAVE!"])).part == row.part


def test_about_a_tenth_is_held_back():
    share = sum(row.part == "held_back" for row in ROWS) / len(ROWS)

    assert 0.09 < share < 0.11


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["a text"], "x.txt:1: a text before the first heading"),
        (["== bug_fix | senior_developer"], "x.txt:1: a heading has three parts"),
        (["", "== bugfix | senior_developer | issue"], "x.txt:2: there is no task type 'bugfix'"),
        (["== bug_fix | wizard | issue"], "names no roles, one twice, or one that is not known"),
        (["== bug_fix | ceo ceo | issue"], "names no roles, one twice"),
        (["== bug_fix | ceo | poem"], "there is no style 'poem'"),
    ],
)
def test_what_does_not_keep_the_format_is_told_with_its_place(lines, told):
    with pytest.raises(CorpusInvalid, match=told.replace("|", r"\|")):
        list(parse("x.txt", lines))


def test_the_digest_tells_texts_and_labels_apart():
    first, second, third = (
        list(parse("x.txt", [heading, text]))
        for heading, text in (
            ("== bug_fix | senior_developer | issue", "a"),
            ("== bug_fix | senior_developer | issue", "b"),
            ("== testing | senior_developer | issue", "a"),
        )
    )

    assert len({digest_of(first), digest_of(second), digest_of(third)}) == 3
