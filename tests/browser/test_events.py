"""The view *Events* in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from delegator import schemas as s
from tests.browser.chromium import cut_line
from tests.browser.conftest import Server
from tests.browser.scene import Scene
from tests.browser.stage import NEVER
from tests.browser.test_now import HOSTILE

pytestmark = pytest.mark.browser

SESSION = "session_20260102_143022_84329"
IDS = "all => all.map(row => Number(row.dataset.event))"


def ids(page: Page) -> list[int]:
    found: list[int] = page.locator(".log li").evaluate_all(IDS)
    return found


def fill(scene: Scene, count: int) -> None:
    for n in range(count):
        role = ("test_lead", "senior_developer")[n % 2]
        scene.happen(s.EventKind.TURN_COMPLETED, SESSION, role=role, data={"turn": n}, announced=False)


def test_events_appear_on_top_as_they_happen_by_push_alone(page: Page, scene: Scene, server: Server):
    server.stage.haste.ticks = NEVER
    scene.happen(s.EventKind.SESSION_CREATED, SESSION, announced=False)
    page.goto("/events")
    expect(page.locator(".log li")).to_have_count(1)
    page.evaluate("window.here = true")
    for n in range(30):
        scene.happen(s.EventKind.TURN_COMPLETED, SESSION, role="test_lead", data={"turn": n})
    scene.happen(s.EventKind.TASK_FAILED, SESSION, data={"reason": "no model"})

    expect(page.locator(".log li").first).to_contain_text("task failed")
    expect(page.locator(".log li").first).to_contain_text("reason no model")
    assert ids(page) == list(range(32, 0, -1))
    assert page.evaluate("window.here") is True


def test_what_somebody_has_loaded_by_hand_links_to_no_session(page: Page, scene: Scene):
    scene.happen(s.EventKind.MODEL_HELD, "by hand", model="llama3.1:8b")
    page.goto("/events")

    expect(page.locator(".log li")).to_contain_text("by hand")
    expect(page.locator(".log a")).to_have_count(0)


def test_filters_stand_in_the_address_and_survive_a_reload(page: Page, scene: Scene):
    fill(scene, 10)
    scene.happen(s.EventKind.MODEL_LOADED, model="llama3.1:8b")
    page.goto("/events")
    expect(page.locator(".log li")).to_have_count(11)
    page.get_by_label("Role").select_option("test_lead")

    expect(page.locator(".log li")).to_have_count(5)
    assert "role=test_lead" in page.url

    page.reload()
    expect(page.locator(".log li")).to_have_count(5)
    page.get_by_label("Kind").select_option("models")
    expect(page.get_by_text("No event fits these filters.")).to_be_visible()
    page.get_by_role("button", name="Clear").click()
    expect(page.locator(".log li")).to_have_count(11)
    page.get_by_label("Model").fill("llama3.1:8b")
    page.get_by_label("Model").press("Enter")

    expect(page.locator(".log li")).to_have_count(1)


def test_a_pause_holds_what_is_shown_and_counts_what_comes(page: Page, scene: Scene):
    fill(scene, 3)
    page.goto("/events")
    expect(page.locator(".log li")).to_have_count(3)
    page.get_by_role("button", name="Pause").click()
    scene.happen(s.EventKind.SESSION_ENDED, SESSION)

    expect(page.get_by_text("paused, 1 new")).to_be_visible()
    assert ids(page) == [3, 2, 1]

    page.get_by_role("button", name="Go on").click()

    expect(page.locator(".log li")).to_have_count(4)


def test_older_events_are_loaded_without_gaps_or_doubles_and_never_too_many(page: Page, scene: Scene):
    fill(scene, 650)
    page.goto("/events")
    expect(page.locator(".log li")).to_have_count(100)
    for rows in (200, 300, 400, 500):
        page.get_by_role("button", name="Load older").click()
        expect(page.locator(".log li")).to_have_count(rows)
    assert ids(page) == list(range(650, 150, -1))

    page.get_by_role("button", name="Load older").click()
    expect(page.locator(".log li")).to_have_count(100)
    assert ids(page) == list(range(150, 50, -1))

    page.get_by_role("button", name="Back to now").click()
    expect(page.locator(".log li").first).to_have_attribute("data-event", "650")


def test_a_page_that_was_away_catches_up_by_event_id(page: Page, scene: Scene, server: Server):
    server.stage.haste.ticks = NEVER
    fill(scene, 5)
    page.goto("/events")
    expect(page.locator(".log li")).to_have_count(5)
    cut_line(page)
    for n in range(20):
        scene.happen(s.EventKind.TURN_COMPLETED, SESSION, role="test_lead", data={"turn": n})

    expect(page.locator(".log li")).to_have_count(25)
    assert ids(page) == list(range(25, 0, -1))


def test_without_announcements_the_page_says_so_and_goes_on(page: Page, scene: Scene, server: Server):
    fill(scene, 1)
    page.goto("/events")
    expect(page.locator(".log li")).to_have_count(1)
    server.stage.break_feed()
    said = page.get_by_text("looking every few seconds")

    expect(said).to_be_visible()

    server.stage.open_feed()

    expect(said).to_have_count(0)


def test_hostile_facts_stay_text(page: Page, scene: Scene):
    scene.happen(s.EventKind.SESSION_FAILED, SESSION, model="<b>model</b>", data={"reason": HOSTILE})
    page.goto("/events")

    expect(page.locator(".log li")).to_contain_text("<img src=x onerror=")
    expect(page.locator(".log li")).to_contain_text("<b>model</b>")
    expect(page).to_have_title("Events · Delegator")


class TestPhone:
    @pytest.fixture
    def viewport(self) -> tuple[int, int]:
        return (390, 844)

    def test_nothing_is_wider_than_a_phone(self, page: Page, scene: Scene):
        scene.happen(s.EventKind.SESSION_FAILED, SESSION, model="m" * 190, data={"reason": "x" * 500})
        page.goto("/events")
        expect(page.locator(".log li")).to_have_count(1)

        assert page.evaluate("document.documentElement.scrollWidth") <= 390
