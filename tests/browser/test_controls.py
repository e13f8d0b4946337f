"""Controls with confirmation in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from delegator import schemas as s
from delegator.errors import SessionEnded
from serve_app import caller
from tests.browser.scene import Scene
from tests.browser.test_now import HOSTILE
from tests.serve_app.samples import REPLIES

pytestmark = pytest.mark.browser


def asked(scene: Scene, name: str) -> list[s.Request]:
    return [request for operation, request in scene.asked if operation == name]


def test_a_session_is_ended_once_it_is_confirmed_and_the_page_follows(page: Page, scene: Scene):
    session = scene.open_session(1, running_s=5)
    callers: list[str] = []

    def end(_: s.OptionalSessionRef) -> s.Reply:
        callers.append(caller.current())
        scene.end_all()
        return REPLIES["end_session"]

    scene.answers["end_session"] = end
    page.goto("/")
    page.get_by_role("button", name="End session").click()
    dialog = page.get_by_role("dialog")

    expect(dialog).to_contain_text("End this session?")
    expect(dialog).to_contain_text("Fix typo in README")
    assert asked(scene, "end_session") == []

    dialog.get_by_role("button", name="End session").click()

    expect(page.get_by_text("The session has ended; 8.0 GB given back.")).to_be_visible()
    expect(page.get_by_text("No session is open.")).to_be_visible()
    expect(dialog).to_have_count(0)
    assert asked(scene, "end_session") == [s.OptionalSessionRef(session_id=session.session_id)]
    assert callers == ["monitor"]


def test_nothing_happens_without_a_yes_and_the_focus_goes_back(page: Page, scene: Scene):
    scene.open_session(1, running_s=5)
    page.goto("/")
    button = page.get_by_role("button", name="End session")
    for leave in ("Escape", "Enter"):  # Enter is on Cancel: a yes needs a move
        button.focus()
        page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
        page.keyboard.press(leave)

        expect(dialog).to_have_count(0)
        expect(button).to_be_focused()
    assert asked(scene, "end_session") == []


def test_the_focus_stays_inside_the_dialog(page: Page, scene: Scene):
    session = scene.open_session(1, running_s=5)
    page.goto(f"/session/{session.session_id}")
    page.get_by_role("button", name="Add agent").click()
    for _ in range(8):
        page.keyboard.press("Tab")

        inside = "document.activeElement === document.body || Boolean(document.activeElement.closest('dialog'))"
        assert page.evaluate(inside)


def test_an_error_is_told_with_its_hint_and_may_be_tried_again(page: Page, scene: Scene):
    session = scene.open_session(1, running_s=5)
    scene.answers["end_session"] = [SessionEnded(session.session_id, "completed"), REPLIES["end_session"]]
    page.goto("/")
    page.get_by_role("button", name="End session").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="End session").click()

    expect(dialog.get_by_role("alert")).to_contain_text("session_ended")

    dialog.get_by_role("button", name="End session").click()

    expect(dialog).to_have_count(0)
    assert len(asked(scene, "end_session")) == 2


def test_a_question_is_answered_from_the_page(page: Page, scene: Scene):
    session = scene.ask(1, running_s=5, question="Mend what is there, or build something new?")
    options = [
        s.QuestionOption(answer=kind, meaning=meaning, recommended_agents=["test_lead"], probability=0.5)
        for kind, meaning in ((s.TaskType.BUG_FIX, HOSTILE), (s.TaskType.FEATURE_DEVELOPMENT, "It is new."))
    ]
    usual = scene.answers["get_session"]
    asks = {"question": s.Question(question="Mend what is there, or build something new?", options=options)}
    scene.answers["get_session"] = lambda ref: usual(ref).model_copy(update=asks)

    def answer(_: s.AnswerQuestionRequest) -> s.Reply:
        scene.answers["get_session"] = usual
        return REPLIES["create_session"]

    scene.answers["answer_question"] = answer
    page.goto(f"/session/{session.session_id}")
    page.get_by_role("button", name="Answer").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".about")).to_have_text("Mend what is there, or build something new?")
    choice = dialog.get_by_label("What is meant")
    expect(choice.locator("option").first).to_have_text(f"bug fix: {HOSTILE}")
    choice.select_option("feature_development")
    dialog.get_by_role("button", name="Answer").click()

    expect(page.get_by_text("Understood as")).to_be_visible()
    expect(page.get_by_role("button", name="Answer")).to_have_count(0)
    assert asked(scene, "answer_question") == [
        s.AnswerQuestionRequest(session_id=session.session_id, answer="feature_development", wait_s=0)
    ]


def test_a_double_click_does_nothing_twice(page: Page, scene: Scene):
    scene.open_session(1, running_s=5)
    page.goto("/")
    page.get_by_role("button", name="Clean up orphans").click()
    page.get_by_role("dialog").get_by_role("button", name="Clean up orphans").dblclick()

    expect(page.get_by_text("Removed 1 agent.")).to_be_visible()
    assert len(asked(scene, "cleanup_orphaned_agents")) == 1


def test_a_role_is_added_and_one_is_removed_with_a_reason(page: Page, scene: Scene):
    session = scene.open_session(0, running_s=5)
    page.goto(f"/session/{session.session_id}")
    page.get_by_role("button", name="Add agent").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Role").select_option("ceo")
    dialog.get_by_label("Why").fill("a decision is needed")
    dialog.get_by_role("button", name="Add agent").click()
    expect(page.get_by_text("ceo has joined")).to_be_visible()
    page.get_by_role("button", name="Remove agent").click()
    dialog.get_by_label("Role").select_option("test_lead")
    dialog.get_by_role("button", name="Remove agent").click()
    expect(page.get_by_text("test_lead has left")).to_be_visible()

    sid = session.session_id
    assert asked(scene, "add_agent_to_session") == [
        s.AddAgentRequest(session_id=sid, agent_role="ceo", reason="a decision is needed")
    ]
    assert asked(scene, "remove_agent_from_session") == [s.RemoveAgentRequest(session_id=sid, agent_role="test_lead")]


def test_a_task_is_cancelled_and_an_agent_restarted(page: Page, scene: Scene):
    session = scene.open_session(1, running_s=5)
    task = scene.delegate(session)
    page.goto("/")
    for button, told in (("Cancel task", "The task is cancelled."), ("Restart", "test_lead runs in a new process.")):
        page.get_by_role("button", name=button).click()
        page.get_by_role("dialog").get_by_role("button", name=button).click()
        expect(page.get_by_text(told)).to_be_visible()

    assert asked(scene, "cancel_task") == [s.TaskRef(task_id=task.task_id)]
    assert asked(scene, "restart_agent") == [s.RestartAgentRequest(agent_role="senior_developer")]


def test_hostile_words_stay_text_in_the_dialog(page: Page, scene: Scene):
    scene.open_session(1, running_s=5, text=HOSTILE)
    page.goto("/")
    page.get_by_role("button", name="End session").click()

    expect(page.get_by_role("dialog").locator(".about")).to_have_text(HOSTILE)
    expect(page).to_have_title("Now · Delegator")


def test_what_the_table_has_not_has_no_button(page: Page, scene: Scene):
    scene.open_session(1, running_s=5)
    page.goto("/")
    expect(page.get_by_role("button", name="End session")).to_be_visible()

    expect(page.get_by_role("button", name="Hibernate")).to_have_count(0)
    expect(page.get_by_role("button", name="Run a drill")).to_have_count(0)


def test_a_browser_cannot_use_what_no_button_offers(page: Page, scene: Scene):
    page.goto("/")
    expect(page.get_by_text("No session is open.")).to_be_visible()
    page.evaluate(
        """window.delegatorControl({operation: "reset_analysis", label: "Do it", title: "?", says: "?", about: "",
                                    request: {}, questions: [], destructive: false})"""
    )
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Do it").click()

    expect(dialog.get_by_role("alert")).to_contain_text("invalid_input")
    assert asked(scene, "reset_analysis") == []


class TestPhone:
    @pytest.fixture
    def viewport(self) -> tuple[int, int]:
        return (390, 844)

    def test_the_dialog_fits_a_phone(self, page: Page, scene: Scene):
        scene.open_session(1, running_s=5, text="x" * 280)
        page.goto("/")
        page.get_by_role("button", name="End session").click()
        box = page.get_by_role("dialog").bounding_box()

        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
