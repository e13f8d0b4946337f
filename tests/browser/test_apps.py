"""The views inside a chat, in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from delegator import schemas as s
from serve_app import apps
from serve_app.formats import duration
from tests.browser.chat import Chat, answer_of, chat_with, on_samples, opened
from tests.browser.scene import Scene
from tests.serve_app.samples import QUESTION, REPLIES

pytestmark = pytest.mark.browser

LOOK = 2
"""Tools a view calls in one look."""


def session_chat(page: Page, scene: Scene, session: s.ActiveSession) -> Chat:
    return chat_with(page, scene, apps.SESSION.uri, "get_session", {"session_id": session.session_id})


def test_now_shows_who_is_at_work_and_follows(page: Page, scene: Scene) -> None:
    scene.open_session(0, running_s=75)
    chat = chat_with(page, scene, apps.NOW.uri, "session_status", {})

    expect(chat.view.get_by_text("Add user authentication feature")).to_be_visible()
    expect(chat.view.get_by_text("product manager")).to_be_visible()
    expect(chat.view.get_by_text("1m 15s")).to_be_visible()
    expect(chat.view.get_by_role("img", name="GB of 64.0 GB in use")).to_be_visible()
    assert "ui/notifications/size-changed" in page.evaluate("window.heard")

    scene.end_all()
    expect(chat.view.get_by_text("Nobody is at work")).to_be_visible()


@pytest.mark.parametrize(
    ("tool", "sessions", "memory"),
    [("session_status", True, True), ("list_active_sessions", True, False), ("resource_summary", False, True)],
)
def test_now_shows_what_the_tool_told_where_it_may_not_look_further(
    page: Page, scene: Scene, tool: str, sessions: bool, memory: bool
) -> None:
    scene.open_session(0, running_s=75)
    chat = chat_with(page, scene, apps.NOW.uri, tool, {}, calls=False)

    expect(chat.view.get_by_text("This client does not let views look further.")).to_be_visible()
    expect(chat.view.get_by_text("Add user authentication feature")).to_have_count(int(sessions))
    expect(chat.view.get_by_role("img", name="GB of 64.0 GB in use")).to_have_count(int(memory))
    expect(chat.view.get_by_text("Looking")).to_have_count(0)
    assert chat.calls() == 0


@pytest.mark.parametrize("tool", ["list_active_sessions", "resource_summary"])
def test_now_adds_what_the_tool_did_not_tell(page: Page, scene: Scene, tool: str) -> None:
    scene.open_session(0, running_s=75)
    chat = chat_with(page, scene, apps.NOW.uri, tool, {})

    expect(chat.view.get_by_text("Add user authentication feature")).to_be_visible()
    expect(chat.view.get_by_role("img", name="GB of 64.0 GB in use")).to_be_visible()


@pytest.mark.parametrize("uri", apps.APPS)
def test_an_error_of_the_tool_is_told_in_words(page: Page, scene: Scene, uri: str) -> None:
    failed = answer_of(scene, "get_session", {"session_id": "session_20260102_143055_99999"})
    assert failed["isError"]
    chat = chat_with(page, scene, uri, "get_session", {}, result=failed)

    expect(chat.view.locator(".trouble")).to_contain_text("session_20260102_143055_99999")
    expect(chat.view.get_by_text("Looking")).to_have_count(0)
    assert "{" not in chat.view.locator("main").inner_text()


def test_a_hostile_task_stays_text(page: Page, scene: Scene) -> None:
    text = "<img src=x onerror=\"parent.postMessage('broken','*')\"> <b>bold</b>"
    scene.open_session(0, running_s=75, text=text)

    view = opened(page, scene, apps.NOW.uri, "session_status", {})

    expect(view.get_by_text(text)).to_be_visible()
    expect(view.locator("img")).to_have_count(0)


def test_a_session_shows_its_team_its_words_and_what_it_saved(page: Page, scene: Scene) -> None:
    on_samples(scene)
    session = REPLIES["get_session"]
    assert isinstance(session, s.SessionView)
    view = opened(page, scene, apps.SESSION.uri, "create_session", {"task_description": session.task_description})

    expect(view.get_by_text(session.task_description)).to_be_visible()
    expect(view.get_by_text("senior developer").first).to_be_visible()


def test_a_session_that_may_not_be_looked_at_is_named(page: Page, scene: Scene) -> None:
    on_samples(scene)
    chat = chat_with(page, scene, apps.SESSION.uri, "get_session", {}, calls=False)

    expect(chat.view.get_by_text("does not let views look further")).to_be_visible()


def test_an_opened_turn_stays_as_it_is_until_its_reader_closes_it(page: Page, scene: Scene) -> None:
    session = scene.open_session(0, running_s=75)
    task = scene.delegate(session)
    scene.speak(task, "product_manager", "We need an e-mail field.")
    scene.speak(task, "senior_developer", "I shall write it.")
    chat = session_chat(page, scene, session)
    turns = chat.view.locator("details")
    expect(turns).to_have_count(2)
    turns.nth(1).locator("summary").click()
    turns.nth(1).locator("p").evaluate("(words) => getSelection().selectAllChildren(words)")

    chat.wait_for_calls(3 * LOOK)
    scene.speak(task, "test_lead", "It works.")
    expect(turns).to_have_count(3)
    chat.wait_for_calls(2 * LOOK)

    assert turns.evaluate_all("(all) => all.map((turn) => turn.open)") == [False, True, False]
    assert chat.view.locator("body").evaluate("() => getSelection().toString()") == "I shall write it."
    assert turns.nth(1).locator("summary").evaluate("(line) => line === document.activeElement")

    turns.nth(1).locator("summary").click()
    chat.wait_for_calls(2 * LOOK)
    assert turns.evaluate_all("(all) => all.map((turn) => turn.open)") == [False, False, False]


def test_what_is_open_of_one_task_is_not_open_of_the_next(page: Page, scene: Scene) -> None:
    session = scene.open_session(0, running_s=75)
    scene.speak(scene.delegate(session), "product_manager", "We need an e-mail field.")
    chat = session_chat(page, scene, session)
    chat.view.locator("summary").click()
    expect(chat.view.locator("details[open]")).to_have_count(1)

    next_task = scene.delegate(session, "Now the password field")
    later = scene.tasks[next_task.task_id]
    scene.tasks[next_task.task_id] = later.model_copy(update={"created_at": later.created_at.replace(year=2099)})
    scene.speak(next_task, "product_manager", "It must be long.")

    expect(chat.view.locator("summary")).to_contain_text("It must be long.")
    expect(chat.view.locator("details[open]")).to_have_count(0)


def test_only_the_line_that_says_who_speaks_is_read_out(page: Page, scene: Scene) -> None:
    session = scene.open_session(0, running_s=75)
    task = scene.delegate(session)
    chat = session_chat(page, scene, session)
    read_out = chat.view.locator("[aria-live]")
    expect(read_out).to_have_text("product manager speaks (turn 1 of 3)")
    read_out.evaluate("(line) => { line.isTheSame = true; }")

    scene.speak(task, "product_manager", "We need an e-mail field.")
    expect(read_out).to_have_text("senior developer speaks (turn 2 of 3)")
    chat.wait_for_calls(LOOK)
    assert read_out.evaluate("(line) => line.isTheSame")  # a new element would not be read out


def test_what_did_not_change_is_not_drawn_again(page: Page, scene: Scene) -> None:
    on_samples(scene)
    chat = chat_with(page, scene, apps.SESSION.uri, "get_session", {"session_id": "session_20260102_143055_84329"})
    expect(chat.view.locator(".task")).to_be_visible()
    chat.view.locator("main").evaluate(
        """(main) => new MutationObserver((seen) => { window.seen = (window.seen ?? 0) + seen.length; })
          .observe(main, { attributes: true, characterData: true, childList: true, subtree: true })"""
    )

    chat.wait_for_calls(3 * LOOK)

    assert chat.view.locator("main").evaluate("() => window.seen ?? 0") == 0


def test_a_question_is_shown_where_the_speaker_stands(page: Page, scene: Scene) -> None:
    on_samples(scene)
    session = REPLIES["get_session"]
    assert isinstance(session, s.SessionView)
    scene.answers["get_session"] = session.model_copy(update={"question": QUESTION})
    view = opened(page, scene, apps.SESSION.uri, "create_session", {})

    expect(view.locator("[aria-live]")).to_have_text(QUESTION.question)


def test_the_frame_grows_and_shrinks_with_what_it_shows(page: Page, scene: Scene) -> None:
    session = scene.open_session(0, running_s=75)
    scene.speak(scene.delegate(session), "product_manager", "We need an e-mail field.\n" * 40)
    chat = session_chat(page, scene, session)
    summary = chat.view.locator("summary")
    expect(summary).to_be_visible()
    frame = page.locator("iframe")
    content = "() => Math.ceil(document.body.getBoundingClientRect().height)"
    page.wait_for_function("sizes.at(-1).height < 400")
    closed = chat.size()
    assert closed == {"width": 640, "height": chat.view.locator("body").evaluate(content)}

    summary.click()
    page.wait_for_function("sizes.at(-1).height > 800")
    assert chat.size()["height"] == chat.view.locator("body").evaluate(content)
    expect(frame).to_have_css("height", f"{chat.size()['height']}px")

    summary.click()
    expect(frame).to_have_css("height", f"{closed['height']}px")
    assert chat.size() == closed


def test_durations_read_as_on_the_monitor(page: Page, scene: Scene) -> None:
    seconds = [0, 0.04, 4.23, 9.94, 9.96, 12.7, 59.4, 59.7, 60, 119.7, 323, 3599.4, 3599.7, 3600, 7199.8, 7440, 90_000]
    chat = chat_with(page, scene, apps.NOW.uri, "session_status", {})
    expect(chat.view.get_by_text("Nobody is at work")).to_be_visible()

    written = chat.view.locator("body").evaluate("(_, seconds) => seconds.map(span)", seconds)

    assert written == [duration(each) for each in seconds]
    assert written[seconds.index(59.7)] == "1m 0s"
    assert written[seconds.index(119.7)] == "2m 0s"


@pytest.mark.parametrize(("status", "written"), [("active", "1m 59s"), ("completed", "2m 0s")])
def test_a_session_that_runs_counts_whole_seconds(page: Page, scene: Scene, status: str, written: str) -> None:
    on_samples(scene)
    session = REPLIES["get_session"]
    assert isinstance(session, s.SessionView)
    changed = {"status": s.SessionStatus(status), "duration_seconds": 119.7}
    scene.answers["get_session"] = session.model_copy(update=changed)
    view = opened(page, scene, apps.SESSION.uri, "create_session", {})

    expect(view.locator("header")).to_contain_text(written)


def test_results_of_its_own_calls_do_not_begin_a_view_again(page: Page, scene: Scene) -> None:
    scene.open_session(0, running_s=75)
    chat = chat_with(page, scene, apps.NOW.uri, "session_status", {})
    expect(chat.view.get_by_text("Add user authentication feature")).to_be_visible()
    chat.view.locator("body").evaluate("() => { window.begun = 0; window.keepLooking = () => { window.begun += 1; }; }")

    chat.tell("ui/notifications/tool-result", answer_of(scene, "list_active_sessions", {}))
    chat.tell("ui/notifications/tool-cancelled", {"reason": "the view's own call"})
    chat.wait_for_calls(2 * LOOK)

    assert chat.view.locator("body").evaluate("() => window.begun") == 0
    expect(chat.view.get_by_text("Add user authentication feature")).to_be_visible()


def test_a_view_wears_the_colours_and_keeps_the_edges_of_its_client(page: Page, scene: Scene) -> None:
    chat = chat_with(page, scene, apps.NOW.uri, "session_status", {})
    body = chat.view.locator("body")
    expect(chat.view.get_by_text("Nobody is at work")).to_be_visible()
    expect(body).to_have_css("padding", "12px 14px")
    expect(body).to_have_css("color", "rgb(236, 238, 242)")

    colours = {"--color-text-primary": "light-dark(#010203, #f0f1f2)", "--color-text-danger": "#ff0102"}
    chat.tell(
        "ui/notifications/host-context-changed",
        {
            "theme": "light",
            "styles": {"variables": colours},
            "safeAreaInsets": {"top": 20, "right": 0, "bottom": 30, "left": 5},
        },
    )

    expect(body).to_have_css("color", "rgb(1, 2, 3)")
    expect(body).to_have_css("padding", "32px 14px 42px 19px")
