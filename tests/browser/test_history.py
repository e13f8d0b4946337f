"""The views *History* and *Statistics* in a real browser."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.browser.scene import Scene

pytestmark = pytest.mark.browser


@pytest.fixture
def past(scene: Scene) -> Scene:
    scene.remember(30, per_day=17)
    return scene


def test_today_is_shown_newest_first(page: Page, past: Scene):
    page.goto("/history")
    rows = page.locator("tbody tr")

    expect(page).to_have_title("History · Delegator")
    expect(page.get_by_text(f"17 sessions on {past.now:%Y-%m-%d}")).to_be_visible()
    expect(rows).to_have_count(17)
    expect(rows.first).to_contain_text(past.past[0].session_id)
    for words in ("development", "Add user authentication feature", "3", "2m 45s", "completed", "07:57:39"):
        expect(rows.first).to_contain_text(words)


def test_another_day_is_chosen_by_its_date_and_kept_by_a_reload(page: Page, past: Scene):
    day = past.now - timedelta(days=3)
    page.goto("/history")
    page.get_by_label("Day (UTC)").fill(f"{day:%Y-%m-%d}")
    total = page.get_by_text(f"17 sessions on {day:%Y-%m-%d}")

    expect(total).to_be_visible()
    assert f"day={day:%Y-%m-%d}" in page.url

    page.reload()

    expect(total).to_be_visible()


def test_all_days_come_in_pages(page: Page, past: Scene):
    page.goto("/history")
    page.get_by_role("button", name="All days").click()
    pager = page.get_by_role("navigation", name="Pages of the history")
    expect(pager).to_contain_text("Page 1 of 11")
    expect(page.get_by_role("button", name="Newer")).to_be_disabled()
    page.get_by_role("button", name="Older").click()

    expect(pager).to_contain_text("Page 2 of 11")
    expect(page.locator("tbody tr")).to_have_count(50)
    expect(page.locator("tbody tr").first).to_contain_text(past.past[50].session_id)
    assert "page=2" in page.url

    page.get_by_role("button", name="Today").click()

    expect(page.get_by_text(f"17 sessions on {past.now:%Y-%m-%d}")).to_be_visible()
    expect(pager).to_have_count(0)


def test_a_session_that_ends_comes_into_the_history_by_itself(page: Page, scene: Scene):
    page.goto("/history")
    expect(page.get_by_text("No session on this day.")).to_be_visible()
    scene.remember(1, per_day=1)

    expect(page.locator("tbody tr")).to_have_count(1)


def test_a_hostile_task_stays_text_in_the_history(page: Page, past: Scene):
    text = "<b onmouseover=alert(1)>bold</b> {{ 7 * 7 }} `${1}` </script>"
    past.past[0] = past.past[0].model_copy(update={"task_description": text})
    page.goto("/history")

    expect(page.locator("tbody tr .foreign").first).to_have_text(text)


@pytest.mark.parametrize("query", ["day=yesterday", "day=all&page=0", "day=2026-13-01", "page=%3Cscript%3E"])
def test_a_wrong_address_is_told_and_today_is_shown(page: Page, past: Scene, query: str):
    page.goto(f"/history?{query}")

    expect(page.get_by_role("alert")).to_contain_text("invalid_input")
    expect(page.get_by_text(f"17 sessions on {past.now:%Y-%m-%d}")).to_be_visible()

    page.get_by_role("button", name="All days").click()

    expect(page.get_by_role("alert")).to_have_count(0)


def test_simulated_sessions_say_so(page: Page, scene: Scene):
    scene.simulated = True
    scene.remember(1, per_day=2)
    page.goto("/history")

    expect(page.locator("tbody").get_by_text("simulated")).to_have_count(2)

    page.get_by_role("link", name="Statistics").click()

    expect(page.locator(".cards").get_by_text("simulated")).to_have_count(3)


def test_statistics_of_a_range_are_shown(page: Page, past: Scene):
    page.goto("/statistics")
    expect(page.get_by_text("1 day", exact=True)).to_be_visible()
    page.get_by_role("button", name="7 days").click()
    expect(page.get_by_text("7 days", exact=True).first).to_be_visible()
    sessions = page.locator(".card", has=page.get_by_role("heading", name="Sessions", exact=True))

    expect(sessions).to_contain_text("119")
    expect(page.get_by_role("button", name="7 days")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".bars dt").first).to_have_text("development")
    expect(page.locator(".bars dd")).to_have_count(7)

    page.get_by_label("From").fill(f"{past.now - timedelta(days=1):%Y-%m-%d}")

    expect(sessions).to_contain_text("34")
    assert "from=" in page.url


def test_the_last_choice_wins_when_the_system_is_slow(page: Page, past: Scene):
    page.goto("/history")
    expect(page.locator("tbody tr")).to_have_count(17)
    for days in (4, 3, 2):
        page.get_by_label("Day (UTC)").fill(f"{past.now - timedelta(days=days):%Y-%m-%d}")

    expect(page.get_by_text(f"17 sessions on {past.now - timedelta(days=2):%Y-%m-%d}")).to_be_visible()
