"""The monitor of a whole system in a real Chromium: what it shows is what the API and the simulator say.

How each view draws what it is given is tested in `tests/browser`; here it is the real one behind Ray Serve.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, WebSocket, expect

from serve_app.formats import gigabytes
from tests.actors.ray_system import until
from tests.browser.chromium import SEEN_MS, Watch, chromium_running
from tests.live.conftest import COMMAND_S, LiveSystem
from tests.live.now_figures import assert_equal, followed, get, in_quiet, resident

pytestmark = [pytest.mark.ray, pytest.mark.browser, pytest.mark.timeout(400)]

TEAMWORK = "Plan Q2 roadmap and budget allocation"
ALONE = "Fix typo in README"
MODEL = "mistral:7b"
TURN = {"action": "hang", "match": {"path": "/api/chat", "phase": "first_token"}}
"""A turn that does not begin to speak until the faults are cleared."""

MID_TURN = {"action": "hang", "match": {"path": "/api/chat", "phase": "stream"}, "args": {"after": 8}}
"""A turn that stops after so many pieces until the faults are cleared."""

UPDATES_PER_S = 4
BUSY = 200
"""Events that come as fast as they can."""


@pytest.fixture(scope="module")  # not the session: while it lives, Playwright's loop runs here, and no asyncio test can
def chromium() -> Iterator[Browser]:
    with chromium_running() as browser:
        yield browser


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def browser_context(chromium: Browser, live: LiveSystem) -> Iterator[BrowserContext]:
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB", timezone_id="UTC")
    context.set_default_timeout(SEEN_MS)
    expect.set_options(timeout=SEEN_MS)
    yield context
    context.close()


@pytest.fixture
def page(browser_context: BrowserContext, live: LiveSystem, watch: Watch) -> Iterator[Page]:
    """Look at the real monitor; the page must have nothing to complain of, and must not be loaded twice unasked."""
    shown = browser_context.new_page()
    watch.attach(shown)
    shown.goto(live.noted["monitor_url"])
    yield shown
    assert watch.complaints == []
    assert watch.abroad == []


def create(live: LiveSystem, text: str, wait_s: float = 20) -> str:
    reply = live.http("POST", "/v1/sessions", {"task_description": text, "wait_s": wait_s})
    assert reply.status_code == 200, reply.text
    return str(reply.json()["session_id"])


def end(live: LiveSystem, session_id: str) -> None:
    assert live.http("DELETE", f"/v1/sessions/{session_id}").status_code == 200


def begin_task(live: LiveSystem, session_id: str) -> str:
    return str(live.http("POST", f"/v1/sessions/{session_id}/tasks", {}).json()["task_id"])


def finished(live: LiveSystem, task_id: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        view: dict[str, Any] = live.http("GET", f"/v1/tasks/{task_id}?wait_s=5").json()
        return view if view["status"] in ("completed", "failed", "cancelled") else None

    return dict(until(look))


def hold_turns(live: LiveSystem) -> None:
    live.ollama("/_sim/faults", TURN, "POST")


def turn_held(live: LiveSystem) -> None:
    """Wait until a turn hangs."""
    until(lambda: any(rule["fired"] for rule in live.ollama("/_sim/faults")["faults"]))


def mark(page: Page) -> None:
    """Leave a trace that a reload would wipe out."""
    page.evaluate("window.neverLeft = true")


def never_left(page: Page) -> bool:
    return page.evaluate("window.neverLeft === true") is True


def test_now_shows_what_the_api_and_the_simulator_say(page: Page, live: LiveSystem) -> None:
    working, idle = create(live, TEAMWORK), create(live, ALONE)
    hold_turns(live)
    begin_task(live, working)
    turn_held(live)
    live.ollama("/_sim/faults", method="DELETE")
    hold_turns(live)  # the second one, and every further try at it
    turn_held(live)
    mark(page)

    shown, said = in_quiet(live, page)

    assert_equal(shown, said)
    assert said["ps"]
    assert said["sessions"][working]["turns_done"] == 1
    assert said["sessions"][idle] is None

    end(live, working)
    expect(page.get_by_text(working)).to_have_count(0)
    said = followed(live, page)

    assert list(said["sessions"]) == [idle]

    end(live, idle)
    expect(page.get_by_text("No session is open.")).to_be_visible()
    said = followed(live, page)

    assert (said["ps"], said["active"]) == ({}, (0, 0))
    assert never_left(page)


def test_a_session_fills_turn_by_turn_and_ends_with_answer_and_receipt(page: Page, live: LiveSystem) -> None:
    session_id = create(live, TEAMWORK)
    page.get_by_role("link", name=TEAMWORK).click()
    expect(page.get_by_text("No task was given to the team yet.")).to_be_visible()
    mark(page)
    hold_turns(live)
    task_id = begin_task(live, session_id)
    turns = page.locator(".talk .turns > li:not(.growing)")
    total = get(live, f"/v1/tasks/{task_id}")["turns_total"]
    for done in range(total):
        turn_held(live)
        expect(page.locator(".talk .facts")).to_contain_text(f"{done} of {total} turns")
        expect(turns).to_have_count(done)
        expect(page.locator(".speaker")).to_be_visible()
        live.ollama("/_sim/faults", method="DELETE")
        if done + 1 < total:
            hold_turns(live)

    task = finished(live, task_id)
    expect(page.locator(".talk .status")).to_have_text("completed")
    replies = [reply["text"] for reply in task["replies"]]
    assert page.locator(".talk .said").all_text_contents() == replies
    assert len(replies) == total
    assert task["answer"] == replies[-1]

    end(live, session_id)
    expect(page.locator(".lead .status")).to_have_text("completed")
    expect(page.get_by_role("region", name="Receipt")).not_to_contain_text("so far")
    assert_receipt(page, get(live, f"/v1/sessions/{session_id}/receipt"))
    assert never_left(page)


def test_a_turn_is_shown_while_it_is_spoken(page: Page, live: LiveSystem) -> None:
    session_id = create(live, ALONE)
    live.ollama("/_sim/faults", MID_TURN, "POST")
    task_id = begin_task(live, session_id)
    turn_held(live)
    page.goto(f"{live.noted['monitor_url']}/session/{session_id}")
    growing = page.locator(".turns > .growing")
    expect(growing.locator(".said")).to_have_text(re.compile(r"\w+ \w+"))
    mark(page)
    spoken = growing.locator(".said").inner_text()
    now = get(live, f"/v1/tasks/{task_id}")

    assert (now["status"], now["replies"]) == ("running", [])
    assert growing.locator(".figure").inner_text() == "speaking"

    live.ollama("/_sim/faults", method="DELETE")
    (reply,) = finished(live, task_id)["replies"]
    expect(page.locator(".talk .said")).to_have_text(reply["text"], use_inner_text=True)
    expect(growing).to_have_count(0)

    assert reply["text"].startswith(spoken)
    assert len(reply["text"]) > len(spoken)
    assert never_left(page)


def assert_receipt(page: Page, receipt: dict[str, Any]) -> None:
    region = page.get_by_role("region", name="Receipt")
    names, values = region.locator(".figures dt").all_inner_texts(), region.locator(".figures dd").all_inner_texts()
    figures = dict(zip(names, values, strict=True))
    rows = [row.locator("td").all_inner_texts() for row in region.locator("tbody tr").all()]
    assert receipt["final"] is True
    assert figures["Agents"] == f"{receipt['agents_used']} of {receipt['agents_total']}"
    assert figures["Tokens"] == f"{receipt['prompt_tokens']:,} read, {receipt['reply_tokens']:,} written"
    assert figures["Model loads"].startswith(f"{receipt['loads']} in ")
    assert [row[:2] for row in rows] == [
        [str(role["turns"]), f"{role['prompt_tokens']:,} / {role['reply_tokens']:,}"] for role in receipt["roles"]
    ]
    expect(region).to_contain_text(f"{gigabytes(receipt['peak_gb'])} this session")
    expect(region).to_contain_text(f"{gigabytes(receipt['all_roles_gb'])} all {receipt['agents_total']} roles")


def press(page: Page, button: str) -> Locator:
    page.get_by_role("button", name=button).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    return dialog


def confirm(dialog: Locator, action: str) -> None:
    dialog.get_by_role("button", name=action, exact=True).click()
    expect(dialog).to_have_count(0)


def used_by(live: LiveSystem, after: int) -> list[str]:
    """Return who has used a control since an event."""
    events = get(live, f"/v1/events?after={after}&kinds=control_used&limit=1000")["events"]
    return [event["by"] for event in events]


def newest_event(live: LiveSystem) -> int:
    return int(get(live, "/v1/events?latest=true&limit=1")["events"][-1]["event_id"])


def test_end_session_on_the_page_ends_it(page: Page, live: LiveSystem) -> None:
    session_id = create(live, ALONE)
    before = newest_event(live)
    dialog = press(page, f"End session {ALONE}")
    assert get(live, f"/v1/sessions/{session_id}")["status"] == "active"
    confirm(dialog, "End session")

    expect(page.get_by_text("No session is open.")).to_be_visible()
    assert get(live, f"/v1/sessions/{session_id}")["status"] == "completed"
    assert resident(live) == {}
    assert used_by(live, before) == ["monitor"]


def test_a_model_is_pinned_and_unpinned_for_real(page: Page, live: LiveSystem) -> None:
    page.get_by_role("link", name="Models").click()
    before = newest_event(live)
    row = page.get_by_role("row").filter(has=page.get_by_text(MODEL, exact=True))
    confirm(press(page, f"Pin {MODEL}"), "Pin")

    expect(row.locator(".status")).to_have_text("pinned")
    expect(row.locator(".state")).to_have_text("resident")
    pinned = {model["model"]: model["pinned"] for model in get(live, "/v1/resources")["models"]}
    assert pinned == {MODEL: True}
    assert list(resident(live)) == [MODEL]
    expect(row).to_contain_text(gigabytes(resident(live)[MODEL]))

    confirm(press(page, f"Unpin {MODEL}"), "Unpin")

    expect(row.locator(".status")).to_have_count(0)
    until(lambda: resident(live) == {})
    expect(row.locator(".state")).to_have_text("available")
    assert used_by(live, before) == ["monitor", "monitor"]


def shown_events(page: Page) -> list[int]:
    return [int(each) for each in page.locator(".log li").evaluate_all("rows => rows.map((li) => li.dataset.event)")]


def logged_events(live: LiveSystem) -> list[int]:
    """Return the ids that the page has room for, the newest first."""
    events = get(live, "/v1/events?latest=true&limit=100")["events"]
    return [int(event["event_id"]) for event in reversed(events)]


LINE_CUT = ("ERR_INTERNET_DISCONNECTED", "WebSocket")
"""What Chromium itself writes while the line is cut."""


def test_a_page_that_was_cut_off_catches_up(page: Page, live: LiveSystem, watch: Watch) -> None:
    gone = create(live, ALONE)
    events = page.context.new_page()
    watch.attach(events)
    events.goto(live.noted["monitor_url"] + "/events")
    expect(page.get_by_text(gone)).to_be_visible()
    until(lambda: shown_events(events) == logged_events(live))
    known = newest_event(live)
    for shown in (page, events):
        mark(shown)
        shown.evaluate("window.cuts = 0; window.socket.on('disconnect', () => (window.cuts += 1))")
    page.context.set_offline(True)
    for shown in (page, events):
        shown.evaluate("window.socket.io.engine.close()")

    end(live, gone)
    come = create(live, ALONE, wait_s=0)

    assert newest_event(live) > known
    assert [shown.evaluate("[window.cuts, window.socket.connected]") for shown in (page, events)] == [[1, False]] * 2
    assert page.get_by_text(gone).count() == 1
    assert page.get_by_text(come).count() == 0
    assert max(shown_events(events)) == known

    page.context.set_offline(False)

    expect(page.get_by_text(come)).to_be_visible()
    expect(page.get_by_text(gone)).to_have_count(0)
    until(lambda: get(live, f"/v1/sessions/{come}")["status"] == "active")
    until(lambda: shown_events(events) == logged_events(live))
    followed(live, page)
    assert never_left(page)
    assert never_left(events)
    watch.complaints[:] = [said for said in watch.complaints if not any(words in said for words in LINE_CUT)]


class Frames:
    """Counts the updates of one view that come to a page."""

    def __init__(self) -> None:
        self.views = 0

    def listen(self, socket: WebSocket) -> None:
        socket.on("framereceived", self._came)

    def _came(self, frame: str | bytes) -> None:
        if not isinstance(frame, str) or not frame.startswith("42"):
            return
        name, *told = json.loads(frame[2:])
        if name == "update":
            self.views += sum(
                not {"view", "change"}.isdisjoint(element.get("props", {}))
                for element in told[0].values()
                if isinstance(element, dict)
            )


def test_a_page_gets_at_most_four_updates_a_second(page: Page, live: LiveSystem) -> None:
    session_id = create(live, ALONE)
    end(live, session_id)
    frames = Frames()
    page.on("websocket", frames.listen)
    page.goto(live.noted["monitor_url"] + "/events")
    until(lambda: shown_events(page) == logged_events(live))
    with httpx.Client(base_url=live.url, timeout=COMMAND_S, trust_env=False) as client, ThreadPoolExecutor(8) as pool:

        def talk(_: int) -> int:
            return client.post(f"/v1/sessions/{session_id}/feedback", json={"rating": 3}).status_code

        began, frames.views = page.evaluate("performance.now()"), 0
        talking = [pool.submit(talk, number) for number in range(BUSY)]
        while not all(each.done() for each in talking):
            page.wait_for_timeout(50)  # frames are counted meanwhile
        seconds, updates = (page.evaluate("performance.now()") - began) / 1000, frames.views

    assert {each.result() for each in talking} == {200}
    assert 0 < updates <= UPDATES_PER_S * seconds + 3
    until(lambda: shown_events(page) == logged_events(live))
