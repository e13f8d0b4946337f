"""The view *Alerts* in a real browser."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from delegator.errors import SystemNotRunning
from delegator.schemas import Alert, EventKind, ListAlertsReply
from tests.browser.conftest import Server
from tests.browser.scene import Scene

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=\"document.title='taken'\"> {{ 7 * 7 }} </script>"


def alert(scene: Scene, **changes: Any) -> Alert:
    facts = {
        "rule": "memory",
        "subject": "ollama",
        "message": "The models on ollama take 62.5 of 64.0 GB, 98 %; 95 % are allowed.",
        "hint": "End sessions that are not needed.",
        "value": 0.9766,
        "limit": 0.95,
        "raised_at": scene.now - timedelta(minutes=7),
    }
    return Alert.model_validate({**facts, **changes})


def test_nothing_raised_is_said_with_the_rules_that_are_on(page: Page, scene: Scene):
    page.goto("/alerts")

    expect(page).to_have_title("Alerts · Delegator")
    expect(page.get_by_text("All rules are kept.")).to_be_visible()
    expect(page.get_by_text("Nothing was raised lately.")).to_be_visible()
    expect(page.locator(".rules li")).to_have_count(3)
    expect(page.get_by_text("memory: models take more than 95 % of an endpoint")).to_be_visible()
    expect(page.get_by_text("No webhook is told; the setting is alerts.webhook.")).to_be_visible()


def test_what_is_raised_is_told_whole(page: Page, scene: Scene):
    scene.raised = [alert(scene)]
    page.goto("/alerts")
    shown = page.locator(".raised li")

    for words in (
        "memory",
        "ollama",
        "98 %, limit 95 %",
        f"since {scene.now - timedelta(minutes=7):%Y-%m-%d %H:%M:%S} UTC, for 7m",
        "The models on ollama take 62.5 of 64.0 GB",
        "End sessions that are not needed.",
    ):
        expect(shown).to_contain_text(words)
    expect(page.get_by_role("status").filter(has_text="1 alert raised")).to_be_visible()
    expect(page.get_by_role("link", name="Alerts")).to_contain_text("1")


def test_past_alerts_are_listed(page: Page, scene: Scene):
    scene.cleared = [alert(scene, cleared_at=scene.now - timedelta(minutes=2))]
    page.goto("/alerts")
    row = page.get_by_role("row", name="62.5 of 64.0 GB")

    for words in ("memory", "98 %, limit 95 %", f"{scene.now - timedelta(minutes=2):%H:%M:%S}", "5m"):
        expect(row).to_contain_text(words)


def test_an_alert_comes_and_goes_by_itself(page: Page, scene: Scene, server: Server):
    server.stage.haste.ticks = 1_000.0
    page.goto("/alerts")
    expect(page.get_by_text("All rules are kept.")).to_be_visible()
    scene.raised = [alert(scene)]
    scene.happen(EventKind.ALERT_RAISED)

    expect(page.locator(".raised li")).to_have_count(1)

    scene.raised, scene.cleared = [], [alert(scene, cleared_at=scene.now)]
    scene.happen(EventKind.ALERT_CLEARED)

    expect(page.get_by_text("All rules are kept.")).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(1)


def test_the_webhook_and_why_it_could_not_be_told(page: Page, scene: Scene):
    scene.answers["list_alerts"] = ListAlertsReply(
        raised=[], past=[], rules=[], webhook="hooks.example.com", webhook_error="it answered 500"
    )
    page.goto("/alerts")

    expect(page.get_by_text("The webhook at hooks.example.com is told.")).to_be_visible()
    expect(page.get_by_text("It could not be told lately: it answered 500")).to_be_visible()
    expect(page.get_by_text("Every rule is switched off in the settings.")).to_be_visible()


def test_a_hostile_text_stays_text(page: Page, scene: Scene):
    scene.raised = [alert(scene, message=HOSTILE, hint=HOSTILE, subject=HOSTILE)]
    scene.cleared = [alert(scene, message=HOSTILE, cleared_at=scene.now)]
    page.goto("/alerts")

    expect(page.locator(".raised h3")).to_have_text(HOSTILE)
    expect(page.locator("tbody .task span")).to_have_text(HOSTILE)
    expect(page).to_have_title("Alerts · Delegator")
    assert page.locator(".view img").count() == 0


def test_an_error_is_told(page: Page, scene: Scene):
    scene.answers["list_alerts"] = SystemNotRunning("actor session-manager")
    page.goto("/alerts")

    expect(page.get_by_role("alert")).to_contain_text("system_not_running")


class TestPhone:
    @pytest.fixture
    def viewport(self) -> tuple[int, int]:
        return (390, 844)

    def test_nothing_is_wider_than_a_phone(self, page: Page, scene: Scene):
        scene.raised = [alert(scene, subject="s" * 90, message="x" * 280)]
        scene.cleared = [alert(scene, message="y" * 280, cleared_at=scene.now)]
        page.goto("/alerts")
        expect(page.locator("tbody tr")).to_be_visible()

        assert page.evaluate(
            "[...document.querySelectorAll('.view *')].every(e => e.getBoundingClientRect().right <= 391)"
        )
