"""A running turn in a real browser: its words as they are said, until the whole turn takes their place."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from delegator import schemas as s
from tests.actors.ray_system import until
from tests.browser.conftest import Server
from tests.browser.scene import Scene
from tests.browser.stage import NEVER
from tests.browser.test_now import HOSTILE

pytestmark = pytest.mark.browser

ROLE = "product_manager"


@pytest.fixture
def task(scene: Scene, server: Server, page: Page) -> s.TaskView:
    """A task on the page of its session; nothing is read there but what an event tells of."""
    server.stage.haste.ticks = NEVER
    task = scene.delegate(scene.open_session(0, running_s=5))
    page.goto(f"/session/{task.session_id}")
    return task


def growing(page: Page) -> Locator:
    return page.locator(".turns > .growing")


def test_words_are_shown_as_they_are_said_and_the_stored_turn_takes_their_place(page, scene, task):
    turn_id = scene.begin(task, ROLE)

    expect(growing(page)).to_contain_text("Product Manager")
    expect(growing(page).locator(".who")).to_contain_text("llama3.1:8b")
    expect(growing(page).locator(".figure")).to_have_text("speaking")
    expect(growing(page)).to_have_attribute("aria-busy", "true")
    expect(page.get_by_role("status").filter(has_text="Product Manager is speaking")).to_have_count(1)

    scene.voices.say(turn_id, " We need")
    expect(page.locator(".said")).to_have_text("We need")
    scene.voices.say(turn_id, " an e-mail")
    expect(page.locator(".said")).to_have_text("We need an e-mail")
    assert scene.tasks[task.task_id].replies == []

    seen = page.evaluate_handle(TEXTS)
    row = growing(page).element_handle()
    scene.store(task, ROLE, "We need an e-mail field.")
    expect(page.locator(".said")).to_have_text("We need an e-mail field.")

    assert seen.evaluate("seen => seen.texts") == ["We need an e-mail field."]
    assert page.locator(".turns > li").first.evaluate("(li, row) => li === row", row)
    expect(growing(page)).to_have_count(0)
    expect(page.locator(".turns > li")).to_have_attribute("aria-busy", "false")
    until(lambda: scene.voices.listening == 0)


TEXTS = """() => {
  const turns = document.querySelector(".turns"), seen = { texts: [] };
  const look = () => {
    const text = [...turns.querySelectorAll(".said")].map((said) => said.textContent).join("|");
    if (text !== seen.texts.at(-1)) seen.texts.push(text);
  };
  new MutationObserver(look).observe(turns, { subtree: true, childList: true, characterData: true });
  return seen;
}"""
"""Keeps every text that the conversation shows from now on."""


def test_all_pages_share_one_subscription(page, scene, task):
    other = page.context.new_page()
    other.goto(page.url)
    turn_id = scene.begin(task, ROLE)
    scene.voices.say(turn_id, "Hello")
    for each in (page, other):
        expect(each.locator(".said")).to_have_text("Hello")

    assert scene.voices.listened == [(ROLE, turn_id)]

    late = page.context.new_page()
    late.goto(page.url)
    expect(late.locator(".said")).to_have_text("Hello")
    scene.voices.say(turn_id, " all.")
    for each in (page, other, late):
        expect(each.locator(".said")).to_have_text("Hello all.")
    assert (len(scene.voices.listened), scene.voices.listening) == (1, 1)


def test_hostile_words_stay_text_while_they_are_said(page, scene, task):
    turn_id = scene.begin(task, ROLE)
    for piece in (HOSTILE[:9], HOSTILE[9:]):
        scene.voices.say(turn_id, piece)

    expect(page.locator(".said")).to_have_text(HOSTILE)
    assert page.locator(".view img, .view script").count() == 0
    assert page.locator(".said").evaluate("said => said.children.length") == 0


def test_a_role_that_cannot_be_heard_is_no_trouble_of_the_page_and_is_heard_again(page, scene, task):
    turn_id = scene.begin(task, ROLE)
    scene.voices.say(turn_id, "Once upon")
    expect(page.locator(".said")).to_have_text("Once upon")
    scene.voices.lose()
    until(lambda: len(scene.voices.listened) > 1)

    expect(growing(page).locator(".figure")).to_have_text("speaking")
    assert page.get_by_role("alert").count() == 0

    scene.voices.say(turn_id, "Twice")
    scene.voices.found()
    expect(page.locator(".said")).to_have_text("Twice")


def test_a_turn_that_is_taken_again_begins_anew(page, scene, task):
    turn_id = scene.begin(task, ROLE)
    scene.voices.say(turn_id, "Once upon")
    expect(page.locator(".said")).to_have_text("Once upon")
    scene.voices.lose()
    scene.voices.found()
    scene.begin(task, ROLE, attempt=2)

    expect(page.locator(".said")).to_have_text("")
    expect(growing(page).locator(".figure")).to_have_text("speaking, attempt 2")

    scene.voices.say(turn_id, "Again")
    expect(page.locator(".said")).to_have_text("Again")


def test_a_page_that_was_cut_off_shows_what_was_said_meanwhile(page, scene, task, watch):
    turn_id = scene.begin(task, ROLE)
    scene.voices.say(turn_id, "Before,")
    expect(page.locator(".said")).to_have_text("Before,")
    page.evaluate("window.here = true; window.cuts = 0; window.socket.on('disconnect', () => (window.cuts += 1))")
    page.context.set_offline(True)
    page.evaluate("window.socket.io.engine.close()")
    page.wait_for_function("window.cuts === 1 && !window.socket.connected")
    scene.voices.say(turn_id, " between,")
    until(lambda: scene.voices.listening == 1)
    assert page.locator(".said").inner_text() == "Before,"
    page.context.set_offline(False)

    expect(page.locator(".said")).to_have_text("Before, between,")
    scene.voices.say(turn_id, " after.")
    expect(page.locator(".said")).to_have_text("Before, between, after.")
    assert page.evaluate("window.here") is True
    watch.complaints[:] = [said for said in watch.complaints if not re.search("DISCONNECTED|WebSocket", said)]


class TestPhone:
    @pytest.fixture
    def viewport(self) -> tuple[int, int]:
        return (390, 844)

    def test_nothing_is_wider_than_a_phone(self, page, scene, task):
        scene.voices.say(scene.begin(task, ROLE), "z" * 600)
        expect(page.locator(".said")).to_have_text("z" * 600)

        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert growing(page).evaluate(
            "li => [...li.querySelectorAll('*')].every(e => e.getBoundingClientRect().right <= 391)"
        )
