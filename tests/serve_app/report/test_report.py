"""The report as text: a page that holds its figures, and a table that other programs read back."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser

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
            {"day": FIRST + timedelta(days=n), "sessions": n, "agents": 2 * n, "gb_seconds": 10, "gb_seconds_saved": 30}
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

    for told in ("2026-01-01 to 2026-01-03", "75 % of all roles resident", "1 failed", "1.50 EUR saved", "up to 1m 0s"):
        assert told in seen.text
    assert seen.labels == [
        "Sessions a day",
        "GB-seconds used and saved a day",
        "By category",
        "How long sessions took",
        "Roles",
    ]
    assert "2026-01-03: 2 sessions" in seen.text


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
    drawn = columns("x", [Column("a", (1.0, 3.0), "a: 4"), Column("b", (0.0, 0.0), "b: 0")])

    assert drawn.count("<rect") == 4
    assert "a: 4" in drawn
    assert "-" not in "".join(part.split('"')[1] for part in drawn.split(" y=")[1:])
    assert rows("x", []).startswith("<svg")
