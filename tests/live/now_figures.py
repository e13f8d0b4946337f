"""The figures of the view *Now*: as the page shows them, and as the API and the simulator say them."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from serve_app.formats import gigabytes
from tests.actors.ray_system import until
from tests.browser.chromium import SEEN_MS
from tests.live.conftest import LiveSystem

ROUNDING_GB = 0.051
"""How far a size with one decimal may be from what it was."""


def get(live: LiveSystem, path: str) -> Any:
    reply = live.http("GET", path)
    assert reply.status_code == 200, reply.text
    return reply.json()


def resident(live: LiveSystem) -> dict[str, float]:
    """Return what the simulator has in memory, {model: GB}."""
    return {model["name"]: model["size"] / 1e9 for model in live.ollama("/api/ps")["models"]}


NOW = """() => {
  const text = (within, selector) => within.querySelector(selector)?.innerText.trim() ?? "";
  const all = (selector) => [...document.querySelectorAll(".now " + selector)];
  const rows = (items) => Object.fromEntries(items);
  return {
    cards: rows(all(".card").map((card) => [text(card, "h3"), [text(card, ".value"), text(card, ".note")]])),
    sessions: rows(all(".sessions > li").map((li) => [text(li, ".id"), text(li, ".progress .quiet")])),
    models: rows(all(".legend li").map((li) => [text(li, "b"), text(li, "span")])),
    memory: text(document, ".now .host .sum"),
    agents: rows(all("tbody tr").map((tr) => [text(tr, "th span:nth-child(2)"), text(tr, "[data-label='Model']")])),
  };
}"""


def said_of_now(live: LiveSystem) -> dict[str, Any]:
    """Return what the API and the simulator say, as plain figures."""
    resources, listed = get(live, "/v1/resources"), get(live, "/v1/sessions")
    agents = get(live, "/v1/agents?all_sessions=true")["agents"]
    return {
        "agents": {agent["title"]: agent["model"] for agent in agents},
        "active": (resources["active_agents"], resources["active_sessions"]),
        "memory_gb": resources["total_memory_gb"],
        "capacity_gb": resources["capacity_gb"],
        "models": {model["model"]: model["memory_gb"] for model in resources["models"]},
        "today": get(live, "/v1/statistics")["total_sessions"],
        "sessions": {session["session_id"]: session["task"] for session in listed["sessions"]},
        "ps": resident(live),
    }


def looked_again(page: Page) -> None:
    """Wait until the page has begun and ended a look: the first 'as of' that moves on may be of one that ran already.

    Not by a function in the page: its policy forbids what that would need.
    """
    for _ in range(2):
        before = page.locator(".asof time").inner_text()
        expect(page.locator(".asof time")).not_to_have_text(before)


def in_quiet(live: LiveSystem, page: Page) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what the page shows once it has looked, and what was said both before and after that."""

    def look() -> tuple[dict[str, Any], dict[str, Any]] | None:
        before = said_of_now(live)
        looked_again(page)
        shown = page.evaluate(NOW)
        return (shown, before) if said_of_now(live) == before else None

    shown, said = until(look)
    return dict(shown), dict(said)


def followed(live: LiveSystem, page: Page) -> dict[str, Any]:
    """Wait until the page shows what is said after a change; return that."""

    def look() -> dict[str, Any] | None:
        said = said_of_now(live)
        try:
            assert_equal(page.evaluate(NOW), said)
        except AssertionError:
            return None
        return said

    try:
        return dict(until(look, deadline_s=SEEN_MS / 1000))
    except AssertionError:
        assert_equal(page.evaluate(NOW), said_of_now(live))  # tells what differs
        raise


def assert_equal(shown: dict[str, Any], said: dict[str, Any]) -> None:
    cards, memory_gb = shown["cards"], sum(said["ps"].values())
    assert cards["Active agents"][0] == str(said["active"][0]) == str(len(said["agents"]))
    assert cards["Active sessions"] == [str(said["active"][1]), f"{said['today']} in total today"]
    assert len(said["sessions"]) == said["active"][1]
    assert cards["Memory of models"][0] == f"{said['memory_gb']:.1f}"
    assert float(cards["Memory of models"][0]) == pytest.approx(memory_gb, abs=ROUNDING_GB)
    assert shown["models"] == {model: gigabytes(size) for model, size in said["models"].items()}
    assert {model: float(size.removesuffix(" GB")) for model, size in shown["models"].items()} == pytest.approx(
        said["ps"], abs=ROUNDING_GB
    )
    assert shown["memory"].startswith(f"{gigabytes(said['memory_gb'])} of {gigabytes(said['capacity_gb'])}")
    assert sorted(shown["agents"].values()) == sorted(said["agents"].values())
    assert shown["sessions"] == {
        session_id: f"{task['turns_done']} of {task['turns_total']} turns" if task else ""
        for session_id, task in said["sessions"].items()
    }
