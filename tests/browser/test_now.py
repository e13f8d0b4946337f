"""The view *Now* in a real browser."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from playwright.sync_api import Page, expect

from delegator import schemas as s
from delegator.errors import StoreUnavailable, SystemNotRunning
from tests.browser.chromium import cut_line
from tests.browser.conftest import Server
from tests.browser.scene import Scene
from tests.browser.stage import NEVER

pytestmark = pytest.mark.browser

HOSTILE = (
    "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"
    "`${document.title='taken'}` {{ constructor.constructor(\"document.title='taken'\")() }}"
    "</script> &amp; </textarea>"
)


def expect_card(page: Page, title: str, text: str) -> None:
    card = page.locator(".card", has=page.get_by_role("heading", name=title, exact=True))
    expect(card).to_contain_text(text, use_inner_text=True)


def test_an_idle_system_says_so(page: Page, scene: Scene):
    page.goto("/")

    expect(page).to_have_title("Now · Delegator")
    expect_card(page, "Active agents", "0 of 9 roles")
    expect_card(page, "CPU load", "– not measured")
    expect(page.get_by_text("No session is open.")).to_be_visible()
    expect(page.get_by_text("No agent is running.")).to_be_visible()
    expect(page.get_by_text("No model is in memory.")).to_be_visible()
    expect(page.get_by_text("Simulated models")).to_have_count(0)


def test_a_system_at_work_is_shown_whole(page: Page, scene: Scene):
    scene.remember(1, per_day=7)
    session = scene.open_session(0, running_s=323)
    scene.work("test_lead")
    scene.machines = [s.MachineLoad(node="n1", processors=8, processor_ratio=0.374)]
    page.goto("/")
    row = page.get_by_role("row", name="Test Lead")

    expect_card(page, "Memory of models", "29.3 GB measured 64 % less than all 9 roles (80.5 GB)")
    expect_card(page, "Active sessions", "7 in total today")
    expect_card(page, "CPU load", "37 % of 8 processors measured 1 turn running, 0 waiting medium, by the number")
    expect(page.get_by_role("heading", name="Add user authentication feature")).to_be_visible()
    expect(page.locator(".sessions .badge")).to_have_text("development")
    expect(page.locator(".sessions")).to_contain_text(session.session_id)
    expect(page.locator(".sessions")).to_contain_text("running for 5m 23s")
    expect(page.locator(".chips li")).to_have_text(["Product Manager", "Senior Developer", "Test Lead"])
    for words in ("codellama:13b", "14.6 GB measured", "resident", "1 session", "5m 22s", "working"):
        expect(row).to_contain_text(words)
    expect(page.locator(".legend li")).to_have_count(3)
    expect(page.locator(".stack i.busy")).to_have_attribute("title", "codellama:13b 14.6 GB")


def test_a_session_that_asks_is_shown_as_waiting(page: Page, scene: Scene):
    scene.ask(1, running_s=5, question=f"Is this a bug fix? {HOSTILE}"[:280])
    page.goto("/")
    shown = page.locator(".sessions li").first

    expect(shown.locator(".status")).to_have_text("waits for an answer")
    expect(shown).to_contain_text("Is this a bug fix? <img src=x")
    expect(shown).to_contain_text("open for 5s")
    expect(shown.locator(".chips")).to_have_count(0)
    expect(page).to_have_title("Now · Delegator")


def test_the_page_follows_the_system_without_a_reload(page: Page, scene: Scene):
    page.goto("/")
    expect(page.get_by_text("No session is open.")).to_be_visible()
    page.evaluate("window.here = true")
    scene.open_session(1, running_s=5)

    expect(page.get_by_role("heading", name="Fix typo in README")).to_be_visible()
    expect_card(page, "Active agents", "1 of 9 roles")

    scene.end_all()

    expect(page.get_by_text("No session is open.")).to_be_visible()
    assert page.evaluate("window.here") is True


def test_the_running_time_goes_on(page: Page, scene: Scene):
    scene.open_session(1, running_s=59)
    page.goto("/")
    expect(page.locator(".running")).to_have_text("59s")
    scene.sessions[0] = scene.sessions[0].model_copy(update={"uptime_seconds": 60.2})

    expect(page.locator(".running")).to_have_text("1m 0s")


def test_simulated_figures_say_so_everywhere(page: Page, scene: Scene):
    scene.simulated = True
    scene.open_session(1, running_s=61)
    page.goto("/")

    expect(page.locator("header")).to_contain_text("Simulated models")
    expect_card(page, "Memory of models", "simulated")
    expect(page.locator(".sessions")).to_contain_text("running for 1m 1s (simulated)")
    expect(page.get_by_role("row", name="Senior Developer").get_by_text("simulated")).to_have_count(2)
    expect(page.get_by_text(re.compile(r"(?<!not )measured"))).to_have_count(0)


def test_a_hostile_task_stays_text(page: Page, scene: Scene):
    scene.open_session(1, running_s=5, text=HOSTILE)
    page.goto("/")
    heading = page.locator(".sessions h3")
    expect(heading).to_have_text(HOSTILE)
    scene.open_session(1, running_s=4, text="second " + HOSTILE)

    expect(heading.first).to_have_text("second " + HOSTILE)
    expect(page).to_have_title("Now · Delegator")
    assert page.locator(".view img, .view script").count() == 0


def test_an_error_of_the_system_is_told_and_the_page_recovers(page: Page, scene: Scene):
    scene.open_session(1, running_s=5)
    page.goto("/")
    expect(page.get_by_role("heading", name="Fix typo in README")).to_be_visible()
    healthy = scene.answers["resource_summary"]
    scene.answers["resource_summary"] = SystemNotRunning("actor session-manager")
    alert = page.get_by_role("alert")

    expect(alert).to_contain_text("system_not_running")
    expect(alert).to_contain_text("This page keeps trying; what it shows is from")
    expect(page.get_by_role("heading", name="Fix typo in README")).to_be_visible()

    scene.answers["resource_summary"] = healthy

    expect(alert).to_have_count(0)


def test_a_page_that_was_opened_on_a_broken_system_fills_once_it_can(page: Page, scene: Scene):
    healthy = scene.answers["session_history"]
    scene.answers["session_history"] = StoreUnavailable("no connection")
    page.goto("/history?day=2020-02-02")

    expect(page.get_by_role("alert")).to_contain_text("store_unavailable")
    expect(page.get_by_text("Asking for the sessions …")).to_be_visible()

    scene.answers["session_history"] = healthy

    expect(page.get_by_text("No session on this day.")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_many_pages_cost_the_backend_no_more_than_one(page: Page, scene: Scene, server: Server):
    server.stage.haste.ticks = NEVER
    pages = [page, *(page.context.new_page() for _ in range(3))]
    for shown in pages:
        shown.goto("/")
        expect(shown.get_by_text("No session is open.")).to_be_visible()
    scene.asked.clear()
    session = scene.open_session(1, running_s=5)
    scene.happen(s.EventKind.SESSION_CREATED, session.session_id)
    for shown in pages:
        expect(shown.get_by_role("heading", name="Fix typo in README")).to_be_visible()
    asked = Counter(name for name, _ in scene.asked)

    assert asked["list_active_sessions"] == 1
    assert asked["list_events"] == 1


def test_a_page_that_lost_its_connection_comes_back(page: Page, scene: Scene):
    page.goto("/")
    expect(page.get_by_text("No session is open.")).to_be_visible()
    cut_line(page)
    scene.open_session(1, running_s=5)

    expect(page.get_by_role("heading", name="Fix typo in README")).to_be_visible()


@pytest.mark.parametrize("origin", ["http://evil.example", "null"])
def test_a_foreign_page_cannot_listen(page: Page, server: Server, origin: str):
    for path in ("/", "/_nicegui_ws/socket.io/?EIO=4&transport=polling"):
        assert page.request.get(path, headers={"Origin": origin}).status == 403
        assert page.request.get(path, headers={"Host": "evil.example"}).status == 421
