"""What all views share: getting about, themes, the keyboard, the phone, and the pictures of the documentation."""

from __future__ import annotations

import shutil
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from delegator import schemas as s
from delegator.schemas import ResidentModel
from tests.browser.scene import Scene

pytestmark = pytest.mark.browser

VIEWS = ("/", "/history?day=all", "/statistics", "/events", "/models", "/alerts")
NAMES = ("Now", "History", "Statistics", "Events", "Models", "Alerts")
IMAGES = Path(__file__).parents[2] / "docs" / "images"
MOST_BYTES = 200_000


@pytest.fixture
def busy(scene: Scene) -> Scene:
    scene.remember(30, per_day=17)
    scene.open_session(0, running_s=323)
    scene.open_session(1, running_s=12)
    scene.work("senior_developer")
    return scene


def test_the_views_are_one_click_apart(page: Page, busy: Scene):
    page.goto("/")
    views = page.get_by_role("navigation", name="Views")
    for name in (*NAMES[1:], "Now"):
        views.get_by_role("link", name=name).click()

        expect(page).to_have_title(f"{name} · Delegator")
        expect(views.get_by_role("link", name=name)).to_have_attribute("aria-current", "page")


def test_it_is_dark_until_the_light_theme_is_chosen_and_remembers_it(page: Page, busy: Scene):
    page.goto("/")
    background = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(background) == "rgb(11, 14, 19)"
    page.get_by_role("button", name="Light theme").click()

    assert page.evaluate(background) == "rgb(244, 246, 249)"

    page.goto("/history")

    expect(page.get_by_role("button", name="Dark theme")).to_be_visible()
    assert page.evaluate(background) == "rgb(244, 246, 249)"


def test_the_keyboard_reaches_the_views_and_the_content(page: Page, busy: Scene):
    page.goto("/")
    expect(page.get_by_role("table")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    expect(page.get_by_role("button", name="Light theme")).to_be_focused()
    for name in reversed(NAMES[1:]):
        page.keyboard.press("Shift+Tab")
        expect(page.get_by_role("link", name=name)).to_be_focused()
    page.keyboard.press("Enter")

    expect(page).to_have_title("History · Delegator")


def test_the_focus_stays_while_the_page_is_updated(page: Page, busy: Scene):
    page.goto("/history")
    day = page.get_by_label("Day (UTC)")
    day.focus()
    before = page.locator(".asof time").inner_text()
    expect(page.locator(".asof time")).not_to_have_text(before)

    expect(day).to_be_focused()


@pytest.mark.parametrize("path", VIEWS)
def test_every_heading_and_landmark_is_in_its_place(page: Page, busy: Scene, path: str):
    page.goto(path)
    expect(page.locator("h2").first).to_be_visible()
    levels = [int(tag[1]) for tag in page.locator("h1, h2, h3, h4").evaluate_all("all => all.map(e => e.tagName)")]

    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(below - above <= 1 for above, below in pairwise(levels))
    assert page.locator("main").count() == 1
    assert page.locator("header").count() == 1
    assert page.evaluate("document.documentElement.lang") == "en-US"


class TestPhone:
    @pytest.fixture
    def viewport(self) -> tuple[int, int]:
        return (360, 740)

    @pytest.mark.parametrize("path", VIEWS)
    def test_nothing_is_wider_than_a_phone(self, page: Page, busy: Scene, path: str):
        long_word = "x" * 280
        busy.sessions[0] = busy.sessions[0].model_copy(update={"task_description": long_word})
        busy.past[0] = busy.past[0].model_copy(update={"task_description": long_word})
        page.goto(path)
        expect(page.locator("h2").first).to_be_visible()

        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert page.evaluate(
            "[...document.querySelectorAll('.view *')].every(e => e.getBoundingClientRect().right <= 361)"
        )

    def test_every_cell_of_a_table_names_itself(self, page: Page, busy: Scene):
        page.goto("/")
        row = page.locator("tbody tr").first
        expect(row).to_be_visible()
        labels = row.locator("td").evaluate_all("all => all.map(e => getComputedStyle(e, '::before').content)")

        words = ("Model", "Memory", "Model is", "Serves", "Tokens/s", "Node", "Uptime", "Since (UTC)", "Actions")
        assert labels == [f'"{word}"' for word in words]


@pytest.mark.parametrize("path", [*VIEWS, "/session/session_20260102_143000_84329", "/nowhere"])
def test_no_page_can_be_shown_inside_another(page: Page, busy: Scene, path: str):
    reply = page.request.get(path)

    assert reply.headers["content-security-policy"] == "frame-ancestors 'none'"
    assert reply.headers["x-frame-options"] == "DENY"


def test_raised_alerts_are_counted_on_every_page(page: Page, busy: Scene):
    usual = busy.answers["resource_summary"]
    busy.answers["resource_summary"] = lambda request: usual(request).model_copy(update={"alerts": 2})
    for path in ("/", "/events"):
        page.goto(path)

        expect(page.get_by_role("link", name="Alerts 2 raised")).to_be_visible()


def test_a_hundred_sessions_are_shown(page: Page, scene: Scene):
    for n in range(100):
        scene.open_session(n % 8, running_s=10.0 + n)
    page.goto("/")

    expect(page.locator(".sessions > li")).to_have_count(100)


def test_models_of_others_and_too_many_of_them_are_told(page: Page, scene: Scene):
    scene.residents.append(
        ResidentModel(
            model="gemma:70b",
            endpoint="http://127.0.0.1:11434",
            memory_gb=80,
            gpu_gb=0,
            held_by=[],
            foreign=True,
            busy=False,
            loaded_at=None,
        )
    )
    page.goto("/")

    expect(page.get_by_text("loaded by another program")).to_be_visible()
    expect(page.get_by_text("More is resident than the capacity given to Delegator.")).to_be_visible()


@pytest.fixture
def picture(scene: Scene) -> Scene:
    """A system at work, with something to see in every view."""
    scene.remember(30, per_day=17)
    scene.machines = [s.MachineLoad(node="workstation", processors=16, processor_ratio=0.374)]
    scene.open_session(1, running_s=42)
    session = scene.open_session(0, running_s=4)
    scene.work("test_lead")
    scene.happen(
        s.EventKind.AGENT_SPAWNED, session.session_id, role="test_lead", data={"reason": "somebody has to test it"}
    )
    task = scene.delegate(session, turns=3)
    scene.now += timedelta(seconds=3)
    scene.speak(task, "product_manager", "People sign in with e-mail and password; a link resets a forgotten one.")
    scene.now += timedelta(seconds=9)
    scene.speak(task, "senior_developer", "I add `apps/auth/` with the form, its checks, and a migration.")
    return scene


@pytest.mark.parametrize("view", ["now", "session", "history", "statistics", "events", "models", "alerts"])
def test_the_pictures_of_the_documentation_can_be_taken(page: Page, picture: Scene, view: str, tmp_path: Path):
    """Kept as they are, since every picture tells another time; one that was deleted is taken anew."""
    days = f"from={picture.now - timedelta(days=29):%Y-%m-%d}&to={picture.now:%Y-%m-%d}"
    paths = {
        "now": "/",
        "session": f"/session/{picture.sessions[0].session_id}",
        "statistics": f"/statistics?{days}",
        "history": f"/history?{days}",
    }
    name = f"monitor-{view}.png"
    page.goto(paths.get(view, f"/{view}"))
    expect(page.locator(".view .panel").first).to_be_visible()
    page.evaluate("document.fonts.ready")
    page.screenshot(path=tmp_path / name)
    if not (IMAGES / name).exists():
        IMAGES.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(tmp_path / name, IMAGES / name)

    assert (IMAGES / name).stat().st_size <= MOST_BYTES
