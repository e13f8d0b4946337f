"""Every reply has a view, and no text in a reply can act on the terminal."""

from __future__ import annotations

import io
from datetime import date, timedelta
from typing import Any

import pytest
from pydantic import BaseModel
from rich.console import Console

from delegator import schemas as s
from serve_app.cli.views import VIEWS, view_of
from serve_app.operations import on_face
from tests.serve_app.samples import RECEIPT, REPLIES, RESIDENT, needs_input, task

HOSTILE = "\x1b[31m[red]x[/red]\x1b]0;t\x07\r\u202e:smile:"
SAFE = "[red]x[/red]:smile:"


def rendered(reply: s.Reply) -> str:
    out = io.StringIO()
    console = Console(file=out, width=160, markup=False, highlight=False, emoji=False)
    for part in view_of(reply):
        console.print(part)
    return out.getvalue()


def poisoned(value: Any) -> Any:
    """Return a copy with hostile text in every field that may hold any text."""
    if isinstance(value, BaseModel):
        changed = {name: poisoned(getattr(value, name)) for name in type(value).model_fields}
        return value.model_copy(update={name: new for name, new in changed.items() if new is not None})
    if isinstance(value, list):
        return [poisoned(item) for item in value]
    if isinstance(value, dict):
        return {f"{HOSTILE}{key}": poisoned(item) for key, item in value.items()}
    return HOSTILE if type(value) is str and value not in FIXED else value


FIXED = {
    "resident",
    "missing",
    "completed",
    "cancelled",
    "alone",
    "too_large",
    "ready",
    "spawned",
    "terminated",
    "load",
    "high",
    "low",
    "answer",
} | {
    "measured",
    "modelled",
    "estimated",
    "mixed",
}
"""Words of closed sets: the models refuse anything else in their place."""


def test_every_reply_of_the_table_has_a_view() -> None:
    assert {operation.reply for operation in on_face("cli")} <= set(VIEWS)


@pytest.mark.parametrize("name", REPLIES)
def test_a_reply_is_shown_without_anything_a_terminal_obeys(name: str) -> None:
    reply = poisoned(REPLIES[name])
    shown = rendered(reply)

    assert not set("\x1b\x07\r\u202e\x9b") & set(shown)
    assert SAFE.partition(":")[0] in "".join(shown.split()) or reply == REPLIES[name]  # nothing in it is text


def test_a_question_is_shown_without_anything_a_terminal_obeys() -> None:
    shown = rendered(poisoned(needs_input()))

    assert not set("\x1b\x07\r\u202e\x9b") & set(shown)
    assert "waits for an answer" in shown


def test_a_receipt_says_what_is_simulated() -> None:
    assert "simulated" in rendered(RECEIPT)
    assert "simulated" not in rendered(RECEIPT.model_copy(update={"simulated": False}))


def test_a_receipt_compares_the_peak_with_all_roles() -> None:
    lines = rendered(RECEIPT).splitlines()

    used = next(line for line in lines if line.startswith("this session (1 of 9)"))
    everybody = next(line for line in lines if line.startswith("all 9 roles"))
    assert used.count("█") == 3
    assert everybody.count("█") == 30


def test_a_receipt_tells_electricity_and_money_and_the_prices_they_were_made_with() -> None:
    shown = " ".join(rendered(RECEIPT).split())

    assert "0.12 Wh of 0.48 Wh, 75 % saved, modelled (simulated)" in shown
    assert "0.00030 EUR of 0.0024 EUR, 88 % saved (simulated)" in shown
    assert "0.29 EUR a kWh, 0.00010 EUR a GB·h, 0.050 EUR a GPU·h" in shown


def test_a_receipt_tells_what_each_role_read_and_wrote() -> None:
    assert "senior_developer 1 100 50 2s" in " ".join(rendered(RECEIPT).split())


def test_a_receipt_of_the_former_form_shows_what_it_has() -> None:
    former: dict[str, Any] = {"roles": [], "electricity": None, "money": None, "basis": None}

    shown = rendered(RECEIPT.model_copy(update=former))

    assert "memory over time" in shown
    assert not any(word in shown for word in ("electricity", "money", "prices", "role  "))


def test_the_load_of_processors_is_what_was_measured() -> None:
    load = s.MachineLoad(node="n1", processors=8, processor_ratio=0.37)
    shown = rendered(REPLIES["resource_summary"].model_copy(update={"machines": [load]}))

    assert "37 % of 8 processors" in shown
    assert "low, by their number" in shown


def test_a_foreign_model_is_told_apart() -> None:
    reply = REPLIES["resource_summary"].model_copy(update={"models": [RESIDENT.model_copy(update={"foreign": True})]})

    assert "somebody else" in rendered(reply)


def test_statistics_show_bars_for_days_kinds_and_durations_and_what_each_role_did() -> None:
    shown = [" ".join(row.split()) for row in rendered(REPLIES["statistics"]).splitlines()]

    bar = "█" * 30
    assert "2026-01-01 0" in shown
    assert f"2026-01-02 1 {bar}" in shown
    assert f"quick fix 1 {bar}" in shown
    assert f"to 1m 0s 1 {bar}" in shown
    assert "over 1m 0s 0" in shown
    assert "senior_developer 1 1 50" in shown
    assert "models 1 load in 4s, 0 swaps" in shown
    assert "in memory 0 % of the turns found their model there" in shown
    assert "money 0.00030 EUR, 0.0021 EUR saved" in shown
    assert not any("ahead" in row for row in shown)  # nothing was prefetched


@pytest.mark.parametrize(
    ("days", "first", "lines"), [(1, None, 0), (31, "2026-01-01", 31), (60, "2026-01", 3), (1_000, "2026", 3)]
)
def test_long_ranges_are_shown_by_month_or_year(days: int, first: str | None, lines: int) -> None:
    moments = (date(2026, 1, 1) + timedelta(days=number) for number in range(days))
    figures = [s.DayFigures(day=day, sessions=1, agents=1, gb_seconds=0, gb_seconds_saved=0) for day in moments]
    reply = REPLIES["statistics"].model_copy(update={"days": figures})

    rows = [row.split() for row in rendered(reply).splitlines()]

    began = [row[0] for row in rows if row and row[0].startswith("202")]
    assert (began[0] if began else None, len(began)) == (first, lines)


def test_statistics_without_sessions_are_sums_alone() -> None:
    nothing: dict[str, Any] = {"total_sessions": 0, "category_breakdown": {}, "durations": [], "roles": [], "turns": 0}

    shown = rendered(REPLIES["statistics"].model_copy(update=nothing))

    assert "█" not in shown
    assert "tokens" not in shown


def test_alerts_show_what_would_help_what_was_and_who_is_told() -> None:
    shown = rendered(REPLIES["list_alerts"])

    assert "memory  ollama  since 2026-01-02 03:04:05" in shown
    assert "The models on ollama take 62.5 of 64.0 GB, 98 %; 95 % are allowed." in shown
    assert "End sessions that are not needed." in shown
    assert "15m 0s" in shown
    assert "Told by webhook: hooks.example.com." in shown


def test_without_alerts_the_rules_are_shown_and_a_failing_webhook_is_told() -> None:
    reply = s.ListAlertsReply(raised=[], past=[], rules=[], webhook="h.example.com", webhook_error="h answered 500")

    shown = rendered(reply)

    assert "No alert is raised." in shown
    assert "none is on" in shown
    assert "Past alerts" not in shown
    assert "warning: the webhook failed lately: h answered 500" in shown


def test_a_failed_task_shows_why() -> None:
    failed = task("failed").model_copy(update={"error": s.ErrorBody(code="agent_lost", message="the ceo was lost")})

    assert "failed: the ceo was lost" in rendered(failed)


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (s.ListActiveSessionsReply(sessions=[], total_sessions=0), "No session is open."),
        (s.ListActiveAgentsReply(agents=[], total_agents=0), "No agents are running."),
        (s.ListEventsReply(events=[], next_after=0), "No events."),
        (s.SessionHistoryReply(sessions=[], total_sessions=0, page=1, pages=0), "No sessions."),
    ],
)
def test_an_empty_list_says_so(reply: s.Reply, words: str) -> None:
    assert rendered(reply).strip() == words
