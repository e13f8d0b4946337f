"""The view *Session* in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from delegator import schemas as s
from tests.browser.conftest import Server
from tests.browser.scene import Scene
from tests.browser.stage import NEVER
from tests.browser.test_now import HOSTILE

pytestmark = pytest.mark.browser


def test_a_session_is_reached_from_now_and_shown_whole(page: Page, scene: Scene):
    session = scene.open_session(0, running_s=323)
    scene.happen(
        s.EventKind.AGENT_SPAWNED, session.session_id, role="test_lead", data={"reason": "somebody has to test it"}
    )
    task = scene.delegate(session, "Write the login form")
    scene.speak(task, "product_manager", "We need an e-mail field.")
    page.goto("/")
    page.get_by_role("link", name="Add user authentication feature").click()

    expect(page).to_have_title("Session · Delegator")
    expect(page.get_by_role("heading", name="Add user authentication feature")).to_be_visible()
    expect(page.locator(".lead")).to_contain_text("running for 5m 23s")
    expect(page.locator(".lead .chips li")).to_have_count(3)
    expect(page.locator(".talk")).to_contain_text("Write the login form")
    expect(page.locator(".said")).to_have_text("We need an e-mail field.")
    expect(page.locator(".lane i")).to_have_count(1)
    expect(page.locator(".changes li")).to_contain_text("Test Lead joined")
    expect(page.locator(".changes li")).to_contain_text("somebody has to test it")
    expect(page.locator(".against .used").first).to_be_visible()
    expect(page.get_by_role("heading", name="Why this team")).to_be_visible()
    expect(page.get_by_role("button", name="End session")).to_be_visible()

    page.get_by_role("navigation", name="Views").get_by_role("link", name="Events").click()
    expect(page).to_have_title("Events · Delegator")


def test_turns_appear_as_they_are_stored_and_by_push_alone(page: Page, scene: Scene, server: Server):
    server.stage.haste.ticks = NEVER
    session = scene.open_session(0, running_s=5)
    task = scene.delegate(session)
    page.goto(f"/session/{session.session_id}")
    expect(page.locator(".speaker")).to_have_text("Product Manager is speaking")
    page.evaluate("window.here = true")
    for n, role in enumerate(("product_manager", "senior_developer", "test_lead")):
        scene.speak(task, role, f"turn {n}")

    expect(page.locator(".said")).to_have_text(["turn 0", "turn 1", "turn 2"])

    scene.sessions.clear()
    scene.remember(1, per_day=1)
    scene.past[0] = scene.past[0].model_copy(update={"session_id": session.session_id})
    scene.tasks[task.task_id] = scene.tasks[task.task_id].model_copy(
        update={"status": s.TaskStatus.COMPLETED, "current_role": None, "answer": "Everything works."}
    )
    scene.happen(s.EventKind.SESSION_ENDED, session.session_id)

    expect(page.locator(".answer")).to_contain_text("Everything works.")
    expect(page.locator(".lead .status")).to_have_text("completed")
    expect(page.locator(".speaker")).to_have_count(0)
    expect(page.get_by_role("button", name="End session")).to_have_count(0)
    assert page.evaluate("window.here") is True


def test_a_past_session_is_shown_like_an_open_one(page: Page, scene: Scene):
    scene.remember(1, per_day=1)
    page.goto(f"/session/{scene.past[0].session_id}")

    expect(page.locator(".lead")).to_contain_text("lasted 42s")
    expect(page.locator(".lead")).to_contain_text("ended by its caller")
    expect(page.get_by_text("No task was given to the team yet.")).to_be_visible()
    expect(page.locator(".view .actions")).to_have_count(0)


def test_a_wrong_id_is_told(page: Page, scene: Scene):
    page.goto("/session/session_20200101_000000_1")

    expect(page.get_by_role("alert")).to_contain_text("there is no session 'session_20200101_000000_1'")
    expect(page.get_by_text("There is nothing to show.")).to_be_visible()
    expect(page.get_by_text("This page keeps trying")).to_have_count(0)


def test_an_impossible_id_is_told(page: Page, scene: Scene):
    page.goto("/session/" + "x" * 400)

    expect(page.get_by_role("alert")).to_contain_text("session_id")
    expect(page.get_by_text("There is nothing to show.")).to_be_visible()


def test_hostile_words_stay_text_wherever_they_stand(page: Page, scene: Scene):
    session = scene.open_session(0, running_s=5, text=HOSTILE)
    task = scene.delegate(session, "task " + HOSTILE)
    scene.speak(task, "product_manager", "said " + HOSTILE)
    scene.happen(s.EventKind.AGENT_SPAWNED, session.session_id, role="test_lead", data={"reason": HOSTILE})
    page.goto(f"/session/{session.session_id}")

    expect(page.locator(".said")).to_have_text("said " + HOSTILE)
    expect(page.locator(".asked")).to_have_text("task " + HOSTILE)
    expect(page.locator(".changes li")).to_contain_text("<script>")
    expect(page).to_have_title("Session · Delegator")
    assert page.locator(".view img, .view script").count() == 0


class TestPhone:
    @pytest.fixture
    def viewport(self) -> tuple[int, int]:
        return (390, 844)

    def test_nothing_is_wider_than_a_phone(self, page: Page, scene: Scene):
        session = scene.open_session(0, running_s=5, text="x" * 280)
        task = scene.delegate(session, "y" * 280)
        scene.speak(task, "product_manager", "z" * 600)
        page.goto(f"/session/{session.session_id}")
        expect(page.locator(".said")).to_be_visible()

        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert page.evaluate(
            "[...document.querySelectorAll('.view *')].every(e => e.getBoundingClientRect().right <= 391)"
        )
