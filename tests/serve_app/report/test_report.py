"""The report as text: a page that holds its figures, and a table that other programs read back."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from delegator import schemas as s
from serve_app.report import Report, csv_of, html_of
from serve_app.report.charts import Column, columns, rows
from serve_app.report.page import MOST_SESSIONS
from tests.serve_app.samples import RECEIPT

FIRST = date(2026, 1, 1)
MADE_AT = datetime(2026, 1, 9, 8, 0, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script>\x1b[31m \"quoted\", & 'so on'"


class Seen(HTMLParser):
    """Collects what a browser would build and read."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.labels: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.labels += [value or "" for name, value in attrs if name == "aria-label"]

    def handle_data(self, data: str) -> None:
        self.text += data


def session(number: int = 0, task: str = "Fix typo in README", **fields: object) -> s.HistorySession:
    values: dict[str, object] = {
        "session_id": f"session_20260101_080000_{number:05}",
        "task_category": "quick_fix",
        "task_type": "bug_fix",
        "complexity": "low",
        "task_description": task,
        "active_agents": ["senior_developer", "test_lead"],
        "total_agents_spawned": 2,
        "tasks_delegated": 1,
        "status": "completed",
        "started_at": MADE_AT - timedelta(hours=number),
        "ended_at": MADE_AT,
        "duration_seconds": 61.5,
        "resources_used": RECEIPT.model_dump(mode="json"),
    }
    return s.HistorySession.model_validate(values | fields)


def figures(**fields: object) -> s.StatisticsReply:
    values: dict[str, object] = {
        "from": FIRST,
        "to": FIRST + timedelta(days=2),
        "total_sessions": 4,
        "avg_agents_per_session": 2.5,
        "total_agents_spawned": 10,
        "category_breakdown": {"quick_fix": 3, "technical": 1},
        "tasks_delegated": 4,
        "completed_sessions": 3,
        "failed_sessions": 1,
        "avg_duration_seconds": 61.5,
        "gb_seconds": 1_000,
        "gb_seconds_saved": 3_000,
        "days": [
            {
                "day": FIRST + timedelta(days=n),
                "sessions": n,
                "agents": 2 * n,
                "gb_seconds": 10,
                "gb_seconds_saved": 30,
                "prompt_tokens": 900,
                "reply_tokens": 400 * n,
                "money": [{"currency": "EUR", "used": 0.25, "saved": -0.1}],
            }
            for n in range(3)
        ],
        "durations": [{"up_to_seconds": 60, "sessions": 1}, {"up_to_seconds": None, "sessions": 3}],
        "roles": [{"role": "senior_developer", "sessions": 4, "turns": 9, "reply_tokens": 700}],
        "money": [{"currency": "EUR", "used": 0.5, "saved": 1.5}],
        "resident_hit_ratio": 0.75,
    }
    return s.StatisticsReply.model_validate(values | fields)


def page(*sessions: s.HistorySession, **fields: object) -> Seen:
    return Seen(html_of(Report(figures(**fields), sessions, MADE_AT)))


def test_the_page_has_its_figures_and_charts_with_words() -> None:
    seen = page(session())

    share = "75 % of what all roles would have held"
    for told in ("2026-01-01 to 2026-01-03", share, "1 failed", "1.50 EUR saved", "up to 1m 0s"):
        assert told in seen.text
    assert seen.labels == [
        "Sessions per day",
        "Memory over time per day, GB·s",
        "Tokens per day",
        "Money per day, EUR",
        "By category",
        "How long sessions took",
        "Roles",
    ]
    for told in (
        "2 sessions",
        "10 GB·s used, 30 GB·s saved",
        "900 read, 800 written",
        "0.25 EUR spent, -0.10 EUR saved",
    ):
        assert f"2026-01-03: {told}" in seen.text


@pytest.mark.parametrize("count", [93, 661, 3_660])
def test_over_many_days_no_column_lies_on_another_and_every_name_has_its_year(count: int) -> None:
    days = [
        {
            "day": FIRST + timedelta(days=9 + n - count),
            "sessions": 1,
            "agents": 1,
            "gb_seconds": 1,
            "gb_seconds_saved": 1,
        }
        for n in range(count)
    ]
    html = html_of(Report(figures(days=days, money=[]), (), MADE_AT))
    sessions = html[html.index("<svg") : html.index("</svg>")]
    columns_at = [
        (float(x), float(width)) for x, width in re.findall(r'x="([0-9.]+)" y="[^"]*" width="([^"]*)"', sessions)
    ]
    names = re.findall(r'<text x="([0-9.]+)" y="194">([^<]*)<', sessions)

    assert 1 < len(columns_at) <= 92
    assert all(x + width <= after for (x, width), (after, _) in pairwise(columns_at))
    assert all(date.fromisoformat(name) for _, name in names)
    assert len({name for _, name in names}) == len(names) > 3
    assert all(float(after) - float(x) > 70 for (x, _), (after, _) in pairwise(names))
    assert max(x + width for x, width in columns_at) <= 720


def test_within_a_year_days_are_named_without_it() -> None:
    html = html_of(Report(figures(), (), MADE_AT))

    assert re.findall(r'y="194">([^<]*)<', html)[:3] == ["01-01", "01-02", "01-03"]


def test_the_page_is_whole_in_itself() -> None:
    html = html_of(Report(figures(), (session(),), MADE_AT))

    assert not {"script", "link", "img", "iframe"} & set(Seen(html).tags)
    assert "http" not in html


def test_hostile_texts_stay_text() -> None:
    seen = page(session(task=HOSTILE), money=[{"currency": "<b>", "used": 1, "saved": 1}])

    assert "<script>alert(1)</script>" in seen.text
    assert "script" not in seen.tags
    assert "\x1b" not in seen.text


def test_one_day_has_no_charts_of_days_and_nothing_no_charts_at_all() -> None:
    assert page(days=figures().days[:1]).labels == ["By category", "How long sessions took", "Roles"]
    empty = page(days=[], category_breakdown={}, durations=[], roles=[], total_sessions=0, gb_seconds=0, money=[])
    assert empty.labels == []
    assert "None." in empty.text


def test_simulated_sessions_are_said_so() -> None:
    assert "1 session of 4 ran on simulated models" in page(simulated_sessions=1).text
    assert "simulat" not in page().text


FORMER: tuple[dict[str, object], ...] = (
    {},
    {"gb_seconds": "many", "gb_seconds_saved": "more", "peak_gb": None, "money": "?"},
    {"gb_seconds": True, "money": {"used": 3, "currency": 5}},
)


@pytest.mark.parametrize("receipt", FORMER)
def test_a_receipt_of_another_form_leaves_its_figures_out(receipt: dict[str, object]) -> None:
    old = session(resources_used=receipt)
    (row,) = csv.DictReader(io.StringIO(csv_of([old]), newline=""))

    assert page(old).text.count("–") == 2
    figures_of_receipt = ("gb_seconds", "gb_seconds_saved", "peak_gb", "currency", "cost", "saved")
    assert [row[name] for name in figures_of_receipt] == [""] * 6


def test_saved_is_what_all_roles_would_have_held_less_what_was_as_in_the_history() -> None:
    used = {"gb_seconds": 1_500.0, "all_roles_gb_seconds": 400.0, "gb_seconds_saved": 9_999.0}
    old = session(resources_used=used)
    (row,) = csv.DictReader(io.StringIO(csv_of([old]), newline=""))

    assert row["gb_seconds_saved"] == "-1100.0"
    assert "-1,100" in page(old).text
    assert "9,999" not in page(old).text


def test_a_long_list_says_where_the_rest_is() -> None:
    seen = page(*(session(number) for number in range(MOST_SESSIONS + 1)))

    assert seen.tags.count("tr") == MOST_SESSIONS + 1
    assert f"The first {MOST_SESSIONS} of {MOST_SESSIONS + 1}" in seen.text


def test_the_table_reads_back_as_it_was() -> None:
    listed = [session(0, HOSTILE), session(1, resources_used=None, ended_at=None, duration_seconds=None)]

    found = list(csv.DictReader(io.StringIO(csv_of(listed), newline="")))

    assert [row["session_id"] for row in found] == [one.session_id for one in listed]
    assert found[0]["task"] == HOSTILE
    assert float(found[0]["gb_seconds"]) == RECEIPT.gb_seconds
    assert found[0]["team"] == "senior_developer test_lead"
    assert [found[1][name] for name in ("ended_at", "duration_seconds", "gb_seconds")] == ["", "", ""]


@pytest.mark.parametrize("task", ["=1+1", "+1", "-1", "@x"])
def test_no_task_becomes_a_formula(task: str) -> None:
    (row,) = csv.DictReader(io.StringIO(csv_of([session(task=task)]), newline=""))

    assert row["task"] == f"'{task}"


def test_columns_stand_on_each_other_and_never_leave_the_picture() -> None:
    drawn = columns(
        "x", [Column("a", (1.0, 3.0), "a: 4"), Column("b", (0.0, 0.0), "b: 0"), Column("c", (1.0, -9.0), "")]
    )

    assert drawn.count("<rect") == 6
    assert "a: 4" in drawn
    assert "-" not in "".join(part.split('"')[1] for part in drawn.split(" y=")[1:])
    assert rows("x", []).startswith("<svg")
