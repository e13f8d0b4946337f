"""The view *History* in a real browser."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from delegator.errors import StoreUnavailable
from delegator.schemas import EventKind, SessionStatus
from serve_app.monitor.choices import history_choice
from tests.browser.conftest import Server
from tests.browser.scene import Scene

pytestmark = pytest.mark.browser

HOSTILE = "<b onmouseover=alert(1)>bold</b> {{ 7 * 7 }} `${1}` </script>"


@pytest.fixture
def past(scene: Scene, server: Server) -> Scene:
    scene.remember(30, per_day=17)
    server.stage.set(scene)  # again: pages of an earlier test may have been read anew before it was filled
    return scene


@pytest.fixture
def rows(page: Page) -> Locator:
    return page.locator("tbody tr")


def total(page: Page, words: str) -> None:
    expect(page.get_by_role("status").filter(has_text=re.compile(r"\d+ session")).first).to_have_text(words)


def column(page: Page, label: str) -> list[str]:
    return page.locator(f"tbody td[data-label='{label}']").all_inner_texts()


def test_today_is_shown_newest_first(page: Page, past: Scene, rows: Locator):
    page.goto("/history")

    expect(page).to_have_title("History · Delegator")
    total(page, f"17 sessions on {past.now:%Y-%m-%d}")
    expect(rows).to_have_count(17)
    expect(page.get_by_role("columnheader", name="Started (UTC)")).to_have_attribute("aria-sort", "descending")
    newest = past.past[0]
    for words in (
        newest.session_id,
        "development",
        "Add user authentication feature",
        "Product Manager, Senior Developer, Test Lead",
        "3",
        "2m 45s",
        "3,531",
        "9,751",
        "completed",
        f"{newest.started_at:%Y-%m-%d} 07:57:39",
    ):
        expect(rows.first).to_contain_text(words)


def test_a_row_leads_to_its_session(page: Page, past: Scene, rows: Locator):
    page.goto("/history")
    link = rows.first.get_by_role("link", name="Add user authentication feature")

    expect(link).to_have_attribute("href", f"./session/{past.past[0].session_id}")


def test_another_day_is_chosen_by_its_date_and_kept_by_a_reload(page: Page, past: Scene):
    day = past.now - timedelta(days=3)
    page.goto("/history")
    page.get_by_label("Day (UTC)").fill(f"{day:%Y-%m-%d}")

    total(page, f"17 sessions on {day:%Y-%m-%d}")
    assert f"day={day:%Y-%m-%d}" in page.url

    page.reload()

    total(page, f"17 sessions on {day:%Y-%m-%d}")


def test_a_range_is_chosen_by_its_two_days_and_kept_by_a_reload(page: Page, past: Scene):
    first, last = (f"{past.now - timedelta(days=days):%Y-%m-%d}" for days in (5, 3))
    page.goto("/history")
    page.get_by_label("Day (UTC)").fill(first)
    page.get_by_label("to", exact=True).fill(last)

    total(page, f"51 sessions from {first} to {last}")

    page.reload()

    total(page, f"51 sessions from {first} to {last}")
    expect(page.get_by_label("Day (UTC)")).to_have_value(first)
    expect(page.get_by_label("to", exact=True)).to_have_value(last)

    page.get_by_label("to", exact=True).fill("")

    total(page, f"17 sessions on {first}")


@pytest.mark.parametrize(("button", "sessions"), [("7 days", 119), ("30 days", 510), ("All days", 510), ("Today", 17)])
def test_the_usual_ranges_are_one_press(page: Page, past: Scene, button: str, sessions: int):
    page.goto(f"/history?day={past.now - timedelta(days=2):%Y-%m-%d}")
    press = page.get_by_role("button", name=button)
    expect(press).to_have_attribute("aria-pressed", "false")
    press.click()

    expect(press).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_text(re.compile(rf"^{sessions} sessions "))).to_be_visible()


def test_a_range_that_goes_on_to_today_is_kept_by_filters_and_pages(page: Page, past: Scene):
    first = past.now - timedelta(days=5)
    page.goto(f"/history?from={first:%Y-%m-%d}")
    total(page, f"102 sessions from {first:%Y-%m-%d} to {past.now:%Y-%m-%d}")
    page.get_by_role("button", name="Next").click()

    expect(page.get_by_text("Page 2 of 3")).to_be_visible()
    total(page, f"102 sessions from {first:%Y-%m-%d} to {past.now:%Y-%m-%d}")


def test_today_is_asked_for_without_its_date(page: Page, past: Scene):
    page.goto(f"/history?day={past.now - timedelta(days=2):%Y-%m-%d}")
    page.get_by_role("button", name="Today").click()

    total(page, f"17 sessions on {past.now:%Y-%m-%d}")
    assert "day=" not in page.url


def test_all_days_come_in_pages(page: Page, past: Scene, rows: Locator):
    page.goto("/history?day=all")
    pager = page.get_by_role("navigation", name="Pages of the history")
    expect(pager).to_contain_text("Page 1 of 11")
    expect(pager.get_by_role("button", name="Previous")).to_be_disabled()
    pager.get_by_role("button", name="Next").click()

    expect(pager).to_contain_text("Page 2 of 11")
    expect(rows).to_have_count(50)
    expect(rows.first).to_contain_text(past.past[50].session_id)
    assert "page=2" in page.url

    pager.get_by_role("button", name="Last").click()

    expect(pager).to_contain_text("Page 11 of 11")
    expect(rows).to_have_count(10)
    expect(pager.get_by_role("button", name="Next")).to_be_disabled()

    page.get_by_role("button", name="Today").click()

    total(page, f"17 sessions on {past.now:%Y-%m-%d}")
    expect(pager).to_have_count(0)


def test_a_page_behind_the_last_one_leads_back(page: Page, past: Scene, rows: Locator):
    page.goto("/history?day=all&page=40")
    expect(page.get_by_text("There is no page 40; the last one is 11.")).to_be_visible()
    page.get_by_role("button", name="Previous").click()

    expect(page.get_by_text("Page 11 of 11")).to_be_visible()
    expect(rows).to_have_count(10)


def test_a_category_is_chosen(page: Page, past: Scene, rows: Locator):
    page.goto("/history")
    page.get_by_label("Category").select_option("quick fix")

    total(page, f"2 sessions on {past.now:%Y-%m-%d}")
    expect(rows.locator(".badge")).to_have_text(["quick fix", "quick fix"])
    assert "category=quick_fix" in page.url


def test_a_status_is_chosen(page: Page, past: Scene, rows: Locator):
    page.goto("/history")
    page.get_by_label("Status").select_option("failed")

    total(page, f"1 session on {past.now:%Y-%m-%d}")
    expect(rows.locator(".status")).to_have_text(["failed"])


def test_words_of_a_task_are_looked_for_while_they_are_typed(page: Page, past: Scene, rows: Locator):
    page.goto("/history")
    field = page.get_by_label("Text in the task")
    field.press_sequentially("tls", delay=30)

    total(page, f"2 sessions on {past.now:%Y-%m-%d}")
    expect(rows.first).to_contain_text("Rotate the TLS certificates")
    expect(field).to_be_focused()
    expect(field).to_have_value("tls")
    assert "text=tls" in page.url


def test_a_session_is_found_by_its_id(page: Page, past: Scene, rows: Locator):
    wanted = past.past[200].session_id
    page.goto("/history?day=all")
    page.get_by_label("Text in the task").fill(wanted)
    page.keyboard.press("Enter")

    expect(rows).to_have_count(1)
    expect(rows).to_contain_text(wanted)


def test_filters_are_kept_by_a_reload_and_cleared_together(page: Page, past: Scene, rows: Locator):
    page.goto("/history?category=technical&status=completed&text=billing")
    total(page, f"2 sessions on {past.now:%Y-%m-%d}")
    page.reload()

    expect(page.get_by_label("Category")).to_have_value("technical")
    expect(page.get_by_label("Status")).to_have_value("completed")
    expect(page.get_by_label("Text in the task")).to_have_value("billing")

    page.get_by_role("button", name="Clear the filters").click()

    expect(rows).to_have_count(17)
    expect(page.get_by_label("Text in the task")).to_have_value("")
    expect(page.get_by_role("button", name="Clear the filters")).to_have_count(0)


def test_no_session_that_fits_is_told(page: Page, past: Scene):
    page.goto("/history?text=nowhere")

    expect(page.get_by_text("No session fits these filters.")).to_be_visible()


@pytest.mark.parametrize(
    ("head", "first"),
    [
        ("Duration", "descending"),
        ("Agents", "descending"),
        ("Used GB·s", "descending"),
        ("Saved GB·s", "descending"),
        ("Category", "ascending"),
        ("Status", "ascending"),
    ],
)
def test_a_header_sorts_and_sorts_the_other_way_round(page: Page, past: Scene, head: str, first: str):
    page.goto("/history")
    header = page.get_by_role("columnheader", name=head)
    expect(header).not_to_have_attribute("aria-sort", re.compile("."))
    header.get_by_role("button").click()

    expect(header).to_have_attribute("aria-sort", first)
    expect(page.locator("[aria-sort]")).to_have_count(1)
    one_way = _shown(page, head, past)

    header.get_by_role("button").press("Enter")

    expect(header).to_have_attribute("aria-sort", "ascending" if first == "descending" else "descending")
    other_way = _shown(page, head, past)
    assert one_way[0] == other_way[-1] != one_way[-1]
    assert "order=" in page.url


def _shown(page: Page, head: str, past: Scene) -> list[str]:
    """Return the cells of a column once the order that was asked for is there."""
    asked = history_choice(dict(parse_qsl(urlsplit(page.url).query))).on(past.now.date())
    reply = past.answers["session_history"](asked)
    expect(page.locator("tbody tr").first).to_contain_text(reply.sessions[0].session_id)
    return column(page, head)


def test_the_order_is_kept_by_a_reload_and_by_pages(page: Page, past: Scene, rows: Locator):
    longest = max(past.past, key=lambda session: session.duration_seconds or 0)
    page.goto("/history?day=all&sort=duration&order=down")
    expect(rows.first).to_contain_text("6m 51s")
    page.get_by_role("button", name="Last").click()
    expect(rows.last).to_contain_text("42s")
    page.reload()

    expect(rows.last).to_contain_text("42s")
    expect(page.get_by_role("columnheader", name="Duration")).to_have_attribute("aria-sort", "descending")
    assert longest.duration_seconds == 411.0


def test_a_session_that_ends_comes_into_the_history_by_itself(page: Page, scene: Scene, server: Server, rows: Locator):
    server.stage.haste.ticks = 1_000.0
    page.goto("/history")
    expect(page.get_by_text("No session on this day.")).to_be_visible()
    scene.remember(1, per_day=1)
    scene.happen(EventKind.SESSION_ENDED, scene.past[0].session_id)

    expect(rows).to_have_count(1)


def test_an_open_session_has_no_figures_yet(page: Page, scene: Scene, rows: Locator):
    scene.remember(1, per_day=1)
    open_ = {"status": SessionStatus.ACTIVE, "ended_at": None, "duration_seconds": None, "resources_used": None}
    scene.past[0] = scene.past[0].model_copy(update=open_)
    page.goto("/history")

    expect(rows).to_contain_text("active")
    for head in ("Duration", "Used GB·s", "Saved GB·s"):
        assert column(page, head)[0].strip() == "–"


def test_a_hostile_task_stays_text_in_the_history(page: Page, past: Scene, rows: Locator):
    past.past[0] = past.past[0].model_copy(update={"task_description": HOSTILE})
    page.goto("/history")

    expect(rows.first.get_by_role("link")).to_have_text(HOSTILE)
    assert page.locator(".view b").count() == 0


def test_a_hostile_word_to_look_for_stays_text(page: Page, past: Scene):
    page.goto("/history")
    page.get_by_label("Text in the task").fill(HOSTILE)

    expect(page.get_by_text("No session fits these filters.")).to_be_visible()

    page.reload()

    expect(page.get_by_label("Text in the task")).to_have_value(HOSTILE)


@pytest.mark.parametrize("query", ["day=yesterday", "sort=task", "page=0", "category=%3Cscript%3E", "to=2026-01-01"])
def test_a_wrong_address_is_told_and_a_right_choice_mends_it(page: Page, past: Scene, rows: Locator, query: str):
    page.goto(f"/history?{query}")

    expect(page.get_by_role("alert")).to_contain_text("invalid_input")
    expect(rows).to_have_count(17)

    page.get_by_role("button", name="7 days").click()

    expect(page.get_by_role("alert")).to_have_count(0)
    expect(rows).to_have_count(50)


def test_an_error_of_the_store_is_told_and_the_view_stays(page: Page, past: Scene, rows: Locator):
    page.goto("/history")
    expect(rows).to_have_count(17)
    healthy = past.answers["session_history"]
    past.answers["session_history"] = StoreUnavailable("no connection")
    page.get_by_label("Status").select_option("completed")

    expect(page.get_by_role("alert")).to_contain_text("store_unavailable")
    expect(rows).to_have_count(17)

    past.answers["session_history"] = healthy

    expect(rows).to_have_count(16)
    expect(page.get_by_role("alert")).to_have_count(0)


def test_simulated_sessions_say_so(page: Page, scene: Scene):
    scene.simulated = True
    scene.remember(1, per_day=2)
    page.goto("/history")

    expect(page.locator("tbody").get_by_text("simulated")).to_have_count(2)


def test_the_last_choice_wins(page: Page, past: Scene, rows: Locator):
    page.goto("/history")
    expect(rows).to_have_count(17)
    for days in (4, 3, 2):
        page.get_by_label("Day (UTC)").fill(f"{past.now - timedelta(days=days):%Y-%m-%d}")

    total(page, f"17 sessions on {past.now - timedelta(days=2):%Y-%m-%d}")


class TestPhone:
    @pytest.fixture
    def viewport(self) -> tuple[int, int]:
        return (390, 844)

    def test_rows_become_cards_that_can_be_sorted(self, page: Page, past: Scene, rows: Locator):
        page.goto("/history")
        expect(rows.first).to_be_visible()
        expect(page.locator("thead")).to_be_hidden()
        page.get_by_label("Sorted by").select_option("Duration")

        expect(rows.first).to_contain_text("6m 51s")

        page.get_by_role("button", name="Descending").click()

        expect(rows.first).to_contain_text("42s")
        assert page.evaluate("document.querySelector('.view').scrollWidth") <= 390
