"""The view *Statistics* in a real browser."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from delegator.schemas import EventKind, RoleFigures
from tests.browser.conftest import Server
from tests.browser.past import statistics_reply
from tests.browser.scene import Scene

pytestmark = pytest.mark.browser

CHARTS = [
    "Sessions per day",
    "Memory per day, in GB·s",
    "Tokens per day",
    "Money per day, in EUR",
    "Average agents per session, by day",
    "How long sessions took",
]
LISTS = ["Sessions by category", "Most used roles", "Models in time"]
HOSTILE = "<img/src=x/onerror=alert(1)>{{7*7}}"


@pytest.fixture
def past(scene: Scene, server: Server) -> Scene:
    scene.remember(30, per_day=17)
    server.stage.set(scene)  # again: pages of an earlier test may have been read anew before it was filled
    return scene


def card(page: Page, title: str) -> Locator:
    return page.locator(".card", has=page.get_by_role("heading", name=title, exact=True))


def chart(page: Page, title: str) -> Locator:
    return page.get_by_role("region", name=title)


def test_the_figures_of_today_are_shown(page: Page, past: Scene):
    page.goto("/statistics")

    expect(page).to_have_title("Statistics · Delegator")
    expect(page.get_by_text("1 day", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Today")).to_have_attribute("aria-pressed", "true")
    for title, words in (
        ("Sessions", "17"),
        ("Agents per session", "2."),
        ("Tokens", "written"),
        ("Memory saved", "of what all roles would have held"),
        ("Models loaded", "4 swaps"),
        ("Money (EUR)", "0.42 EUR"),
    ):
        expect(card(page, title)).to_contain_text(words)


def test_every_chart_is_there_with_its_name(page: Page, past: Scene):
    page.goto("/statistics")

    expect(page.locator(".chart h2")).to_have_text([*CHARTS, *LISTS])


@pytest.mark.parametrize(
    ("button", "days", "sessions"), [("7 days", 7, 119), ("30 days", 30, 510), ("90 days", 90, 510)]
)
def test_the_usual_ranges_are_one_press_and_kept_by_a_reload(
    page: Page, past: Scene, button: str, days: int, sessions: int
):
    page.goto("/statistics")
    page.get_by_role("button", name=button).click()
    for _ in range(2):
        expect(page.get_by_text(f"{days} days", exact=True).first).to_be_visible()
        expect(page.get_by_role("button", name=button)).to_have_attribute("aria-pressed", "true")
        expect(card(page, "Sessions")).to_contain_text(str(sessions))
        expect(chart(page, CHARTS[0]).locator("svg g")).to_have_count(days)
        page.reload()


def test_a_range_is_chosen_by_its_days(page: Page, past: Scene):
    page.goto("/statistics")
    page.get_by_label("From").fill(f"{past.now - timedelta(days=1):%Y-%m-%d}")

    expect(card(page, "Sessions")).to_contain_text("34")
    assert "from=" in page.url

    page.get_by_label("to", exact=True).fill(f"{past.now - timedelta(days=1):%Y-%m-%d}")

    expect(card(page, "Sessions")).to_contain_text("17")


def test_charts_say_what_they_show_to_those_who_do_not_see_them(page: Page, past: Scene):
    page.goto("/statistics")
    pictures = page.get_by_role("img")
    expect(pictures).to_have_count(len(CHARTS))
    expect(pictures.first).to_have_attribute(
        "aria-label", f"Sessions per day, 1 column. The most on {past.now:%Y-%m-%d}: sessions 17."
    )
    said = [picture.get_attribute("aria-label") or "" for picture in pictures.all()]

    assert all(text.endswith(".") for text in said)


def test_a_chart_has_its_values_as_a_table_on_demand(page: Page, past: Scene):
    page.goto(f"/statistics?from={past.now - timedelta(days=2):%Y-%m-%d}&to={past.now:%Y-%m-%d}")
    memory = chart(page, CHARTS[1])
    expect(memory.get_by_role("table")).to_be_hidden()
    memory.get_by_text("As a table").press("Enter")

    expect(memory.get_by_role("columnheader")).to_have_text(["Day", "Used", "Saved"])
    reply = statistics_reply(past.past, past.now.date(), past.now.date())
    expect(memory.get_by_role("row").last).to_contain_text(
        re.compile(f"{past.now:%Y-%m-%d}.*{reply.gb_seconds:,.0f}.*{reply.gb_seconds_saved:,.0f}")
    )


def test_a_column_that_is_pointed_at_tells_its_values(page: Page, past: Scene):
    page.goto("/statistics")
    sessions = chart(page, CHARTS[0])
    sessions.locator(".feel").first.hover()

    expect(sessions.locator(".readout")).to_have_text(f"{past.now:%Y-%m-%d}: sessions 17")


def test_columns_are_as_high_as_their_values(page: Page, past: Scene):
    page.goto("/statistics")
    memory = chart(page, CHARTS[1])
    expect(card(page, "Sessions")).to_contain_text("17")
    used, saved = (float(memory.locator(f"rect.{tone}").get_attribute("height") or 0) for tone in ("tone1", "tone5"))
    reply = statistics_reply(past.past, past.now.date(), past.now.date())

    assert used / saved == pytest.approx(reply.gb_seconds / reply.gb_seconds_saved)
    assert 0.5 < used + saved <= 1


def test_categories_and_roles_are_ranked(page: Page, past: Scene):
    page.goto("/statistics")

    expect(chart(page, "Sessions by category").locator("dt").first).to_have_text("development")
    expect(chart(page, "Sessions by category").locator("dd")).to_have_count(7)
    expect(chart(page, "Most used roles").locator("dt").first).to_have_text("Senior Developer")
    expect(chart(page, "Models in time")).to_contain_text("83 %")


def test_days_without_sessions_say_so(page: Page, scene: Scene):
    page.goto("/statistics")

    for words in ("No session in these days.", "No role was used in these days.", "No turn was taken in these days."):
        expect(page.get_by_text(words)).to_be_visible()
    expect(page.get_by_role("img").first).to_have_attribute("aria-label", re.compile("There is nothing in any of them"))


def test_simulated_figures_say_so(page: Page, scene: Scene):
    scene.simulated = True
    scene.remember(1, per_day=2)
    page.goto("/statistics")

    for title in ("Average duration", "Memory used", "Memory saved", "Tokens", "Models loaded", "Money (EUR)"):
        expect(card(page, title).get_by_text("simulated")).to_be_visible()
    expect(page.locator(".chart .mark")).to_have_text(["simulated"] * 6)


def test_today_is_asked_for_without_its_date(page: Page, past: Scene):
    page.goto(f"/statistics?from={past.now - timedelta(days=2):%Y-%m-%d}")
    page.get_by_role("button", name="Today").click()

    expect(page.get_by_role("button", name="Today")).to_have_attribute("aria-pressed", "true")
    assert "from=" not in page.url


def test_the_figures_follow_the_system(page: Page, past: Scene, server: Server):
    server.stage.haste.ticks = 1_000.0
    page.goto("/statistics")
    expect(card(page, "Sessions")).to_contain_text("17")
    past.remember(1, per_day=3)
    past.happen(EventKind.SESSION_ENDED, past.past[0].session_id)

    expect(card(page, "Sessions")).to_contain_text("20")


def test_a_hostile_role_stays_text(page: Page, past: Scene):
    reply = statistics_reply(past.past, past.now.date(), past.now.date())
    hostile = RoleFigures(role=HOSTILE, sessions=99, turns=1, reply_tokens=1)
    past.answers["statistics"] = reply.model_copy(update={"roles": [hostile]})
    page.goto("/statistics")

    expect(chart(page, "Most used roles").locator("dt")).to_have_text([HOSTILE])
    assert page.locator(".view img").count() == 0


def test_a_wrong_range_is_told(page: Page, past: Scene):
    page.goto("/statistics?from=2026-01-05&to=2026-01-02")

    expect(page.get_by_role("alert")).to_contain_text("invalid_input")
    expect(card(page, "Sessions")).to_contain_text("17")


class TestPhone:
    @pytest.fixture
    def viewport(self) -> tuple[int, int]:
        return (390, 844)

    @pytest.mark.parametrize("days", [30, 400])
    def test_charts_are_as_wide_as_the_screen(self, page: Page, past: Scene, days: int):
        page.goto(f"/statistics?from={past.now - timedelta(days=days - 1):%Y-%m-%d}&to={past.now:%Y-%m-%d}")
        picture = page.get_by_role("img").first
        expect(picture).to_be_visible()
        box = picture.bounding_box()

        assert box is not None
        assert 250 < box["width"] <= 390
        assert page.evaluate("document.querySelector('.view').scrollWidth") <= 390
        overlapping = page.evaluate(
            "[...document.querySelectorAll('.chart')].some((chart) => {"
            "  const names = [...chart.querySelectorAll('.names span')].map((name) => name.getBoundingClientRect());"
            "  return names.some((name, n) => n > 0 && name.left < names[n - 1].right);"
            "})"
        )
        assert overlapping is False
