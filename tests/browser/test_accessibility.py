"""Every view, dialog and document as axe-core sees it: nothing that keeps somebody from reading or using it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Frame, Page, expect

from delegator import schemas as s
from serve_app import apps
from serve_app.report import Report, html_of
from tests.browser.chat import on_samples, opened
from tests.browser.conftest import Server
from tests.browser.scene import Scene
from tests.browser.stage import NEVER
from tests.browser.test_alerts import alert
from tests.serve_app.samples import REPLIES

pytestmark = pytest.mark.browser

AXE = Axe()
OPTIONS = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]},
    "resultTypes": ["violations"],
}
GRAVE = ("serious", "critical")


def told(found: list[dict[str, Any]]) -> str:
    """Say every finding with the places it is at."""
    return "\n".join(
        f"{each['impact']} {each['id']}: {each['help']}\n"
        + "\n".join(
            f"    {node['target']} {node['html'][:120]}\n      {node['failureSummary']}" for node in each["nodes"]
        )
        for each in found
    )


def check(page: Page | Frame, part: str = "html") -> None:
    said = AXE.run(page, context=part, options=OPTIONS).response
    found = said["violations"]

    assert said["passes"]  # it did look
    assert not [each["id"] for each in found if each["impact"] in GRAVE], told(found)


@pytest.fixture
def full(scene: Scene, server: Server) -> Scene:
    """Everything a view can show: work, a question, a queue, drift, alerts, a download, models of others."""
    server.stage.haste.ticks = NEVER  # what is looked at stands still
    scene.simulated = True
    scene.remember(15, per_day=1)
    scene.ask(1, running_s=5, question="Is this a bug fix?")
    session = scene.open_session(0, running_s=75)
    scene.work("test_lead")
    scene.agents = [each.model_copy(update={"model_resident": False, "restarts": 1}) for each in scene.agents]
    joined = {"reason": "somebody has to test it"}
    scene.happen(s.EventKind.AGENT_SPAWNED, session.session_id, role="test_lead", model="codellama:13b", data=joined)
    for kind in (s.EventKind.MODEL_LOADED, s.EventKind.MODEL_LOST, s.EventKind.TEAM_DEGRADED):
        scene.happen(
            kind, session.session_id, model="codellama:13b", data={"bytes": 14_600_000_000, "weights": 64 * "a"}
        )
    task = scene.delegate(session)
    scene.speak(task, "product_manager", "People sign in with e-mail and password.")
    scene.voices.say(scene.begin(task, "senior_developer"), "I would begin with")
    scene.raised = [alert(scene)]
    scene.cleared = [alert(scene, cleared_at=scene.now - timedelta(minutes=2))]
    scene.library.on_disk.remove("mistral:7b")
    scene.library.pull("mistral:7b", ratio=0.5)
    _wait_and_drift(scene, session.session_id)
    return scene


def _wait_and_drift(scene: Scene, session_id: str) -> None:
    usual = scene.answers["resource_summary"]
    others = {"held_by": [], "foreign": True, "busy": False}
    scene.residents.append(scene.residents[0].model_copy(update={**others, "model": "gemma:70b", "memory_gb": 80}))
    queue = [
        s.QueuedTurn.model_validate(
            {
                "endpoint": "ollama",
                "position": 1,
                "session_id": session_id,
                "role": "senior_developer",
                "model": "deepseek-coder:6.7b",
                "waited_seconds": 3,
                "eta_seconds": None,
            }
        )
    ]
    drift = s.Drift(compared_at=scene.now, age_seconds=2, differences=["mistral:7b was gone"])
    facts = {"queue": queue, "drift": drift}
    scene.answers["resource_summary"] = lambda request: usual(request).model_copy(update=facts)


GROUNDS = {"dark": "#17181c", "light": "#ffffff"}
LOOKS = (("dark", 1280), ("light", 390))


@pytest.mark.parametrize("view", ["now", "session", "history", "statistics", "events", "models", "alerts"])
def test_nothing_in_a_view_shuts_anybody_out(page: Page, full: Scene, view: str):
    days = f"from={full.now - timedelta(days=29):%Y-%m-%d}&to={full.now:%Y-%m-%d}"
    paths = {
        "now": "/",
        "session": f"/session/{full.sessions[0].session_id}",
        "statistics": f"/statistics?{days}",
        "history": f"/history?{days}",
    }
    page.goto(paths.get(view, f"/{view}"))
    expect(page.locator(".view .panel").first).to_be_visible()
    for theme, width in LOOKS:
        page.evaluate("theme => window.delegatorTheme(theme)", theme)
        page.set_viewport_size({"width": width, "height": 900})

        check(page)


def test_nothing_in_a_dialog_shuts_anybody_out(page: Page, full: Scene):
    page.goto(f"/session/{full.sessions[0].session_id}")
    for button in ("Add agent", "End session"):
        page.get_by_role("button", name=button).click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
        for theme, width in LOOKS:
            page.evaluate("theme => window.delegatorTheme(theme)", theme)
            page.set_viewport_size({"width": width, "height": 900})

            check(page, ".ask")
        page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize(
    ("uri", "tool", "shown"),
    [(apps.NOW.uri, "session_status", "Add user"), (apps.SESSION.uri, "create_session", None)],
    ids=["now", "session"],
)
def test_nothing_in_a_chat_shuts_anybody_out(
    page: Page, full: Scene, uri: str, tool: str, shown: str | None, theme: str
):
    on_samples(full)
    session = REPLIES["get_session"]
    assert isinstance(session, s.SessionView)
    view = opened(page, full, uri, tool, {"task_description": session.task_description} if shown is None else {})
    expect(view.get_by_text(shown or session.task_description).first).to_be_visible()
    view.locator("html").evaluate("(html, theme) => (html.dataset.theme = theme)", theme)
    # a view lies on its client's ground
    view.locator("body").evaluate("(body, ground) => (body.style.background = ground)", GROUNDS[theme])

    check(page.frames[-1])


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_nothing_in_a_report_shuts_anybody_out(page: Page, full: Scene, theme: Any):
    days = {"from": full.past[-1].started_at.date(), "to": full.now.date()}
    figures = full.answers["statistics"](s.StatisticsRequest.model_validate(days))
    page.emulate_media(color_scheme=theme)
    page.set_content(html_of(Report(figures, tuple(full.past[:20]), full.now)))

    check(page)
