"""What an open page is sent of a later view, and that it shows what a page shows that is opened then."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chromium import cut_line
from tests.browser.scene import Scene

pytestmark = pytest.mark.browser


def test_an_open_page_is_sent_what_differs_and_shows_all_of_it(page: Page, scene: Scene):
    sessions = [scene.open_session(n % 8, running_s=10.0 + n) for n in range(40)]
    frames: list[str | bytes] = []

    def came(frame: str | bytes) -> None:
        frames.append(frame)

    page.on("websocket", lambda line: line.on("framereceived", came))
    page.goto("/")
    rows = page.locator(".sessions > li")
    expect(rows).to_have_count(40)
    whole = len(page.content())
    del scene.sessions[3:5]
    scene.sessions[7] = scene.sessions[7].model_copy(update={"task_description": "Another text"})
    latest = scene.open_session(1, running_s=1)

    expect(rows.first).to_contain_text(latest.session_id)
    expect(rows).to_have_count(39)
    expect(rows.nth(8)).to_contain_text("Another text")
    shown = page.locator(".sessions .id").all_inner_texts()
    assert shown == [session.session_id for session in scene.sessions]
    assert sessions[36].session_id not in shown
    assert 0 < sum(map(len, frames)) < whole / 4
    assert page.evaluate("window.ackedMessageId >= window.nextMessageId")  # so that nothing is told back of it
    page.reload()
    expect(rows).to_have_count(39)
    assert page.locator(".sessions .id").all_inner_texts() == shown


def test_a_page_whose_line_breaks_between_changes_shows_all_of_them(page: Page, scene: Scene):
    scene.open_session(1, running_s=5)
    page.goto("/")
    rows = page.locator(".sessions > li")
    expect(rows).to_have_count(1)
    page.evaluate("window.here = true")
    for count in range(2, 5):
        cut_line(page)
        scene.sessions[-1] = scene.sessions[-1].model_copy(update={"task_description": f"Text {count}"})
        scene.open_session(0, running_s=5)

        expect(rows).to_have_count(count)
        expect(rows.last).to_contain_text(f"Text {count}")
    assert page.evaluate("window.here") is True
