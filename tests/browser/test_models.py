"""The view *Models* in a real browser: what stands where, every action with its confirmation, and downloads."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Locator, Page, expect

from delegator.errors import InternalError, ModelInUse, SystemNotRunning
from delegator.schemas import ResidentModel
from tests.browser.library import ENDPOINT, URL
from tests.browser.scene import Scene
from tests.browser.stage import QUICK

pytestmark = pytest.mark.browser

HOSTILE = "<img/src=x/onerror=document.title='taken'>{{7*7}}:latest"


@pytest.fixture
def busy(scene: Scene) -> Scene:
    scene.open_session(1, running_s=12)
    return scene


def row(page: Page, model: str) -> Locator:
    return page.get_by_role("row").filter(has=page.get_by_text(model, exact=True))


def press(page: Page, action: str, model: str) -> Locator:
    """Press an action of a row and return the dialog that asks."""
    page.get_by_role("button", name=f"{action} {model}", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(model)
    return dialog


def confirm(dialog: Locator, action: str) -> None:
    dialog.get_by_role("button", name=action, exact=True).click()


def asked(scene: Scene, operation: str) -> list[dict[str, object]]:
    return [request.model_dump(exclude_unset=True) for name, request in scene.asked if name == operation]


def test_each_endpoint_shows_what_is_in_memory_and_on_the_disk(page: Page, busy: Scene):
    busy.work("senior_developer")
    page.goto("/models")
    held = row(page, "deepseek-coder:6.7b")

    expect(page).to_have_title("Models · Delegator")
    expect(page.get_by_role("region", name=ENDPOINT)).to_contain_text("8.1 GB of 64.0 GB in use")
    expect(page.get_by_text("Catalogue echo, 48.4 GB on disk")).to_be_visible()
    for words in ("resident", "working", "8.1 GB measured", "4.9 GB", "1 session", "Senior Developer"):
        expect(held).to_contain_text(words, use_inner_text=True)
    expect(page.locator(".stack i.busy")).to_have_attribute("title", "deepseek-coder:6.7b 8.1 GB")
    for words in ("available", "24.9 GB estimated", "14.9 GB", "CTO, Senior Architect"):
        expect(row(page, "deepseek-coder:33b")).to_contain_text(words, use_inner_text=True)


def test_what_another_program_has_loaded_has_no_actions(page: Page, busy: Scene):
    busy.residents.append(
        ResidentModel(
            model="gemma:2b",
            endpoint=URL,
            memory_gb=2.2,
            gpu_gb=0,
            held_by=[],
            foreign=True,
            busy=False,
            loaded_at=None,
        )
    )
    page.goto("/models")
    foreign = row(page, "gemma:2b")

    expect(foreign).to_contain_text("another program")
    expect(foreign.get_by_role("button")).to_have_count(0)


def test_a_model_is_loaded_and_unloaded(page: Page, scene: Scene):
    page.goto("/models")
    confirm(press(page, "Load", "mistral:7b"), "Load")

    expect(row(page, "mistral:7b")).to_contain_text("resident")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_text("mistral:7b is resident.")).to_be_visible()

    confirm(press(page, "Unload", "mistral:7b"), "Unload")

    expect(row(page, "mistral:7b")).to_contain_text("available")
    assert asked(scene, "load_model") == [{"model": "mistral:7b", "endpoint": ENDPOINT}]
    assert asked(scene, "unload_model") == [{"model": "mistral:7b", "endpoint": ENDPOINT}]


def test_a_model_is_pinned_and_unpinned(page: Page, scene: Scene):
    page.goto("/models")
    confirm(press(page, "Pin", "mistral:7b"), "Pin")

    expect(row(page, "mistral:7b").locator(".status")).to_have_text("pinned")

    confirm(press(page, "Unpin", "mistral:7b"), "Unpin")

    expect(row(page, "mistral:7b").locator(".status")).to_have_count(0)
    assert len(asked(scene, "pin_model")) == len(asked(scene, "unpin_model")) == 1


def test_a_model_is_removed_from_the_disk(page: Page, scene: Scene):
    page.goto("/models")
    dialog = press(page, "Remove", "mistral:7b")
    expect(dialog).to_contain_text("Its files on ollama are deleted")
    confirm(dialog, "Remove")

    expect(page.get_by_text("mistral:7b is removed; 4.9 GB free again.")).to_be_visible()
    expect(page.get_by_role("region", name="On no disk")).to_contain_text("mistral:7b")


def test_nothing_is_done_without_a_yes(page: Page, scene: Scene):
    page.goto("/models")
    confirm(press(page, "Remove", "mistral:7b"), "Cancel")
    expect(page.get_by_role("dialog")).to_be_hidden()
    press(page, "Remove", "mistral:7b")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()

    expect(page.get_by_role("button", name="Remove mistral:7b")).to_be_focused()
    assert asked(scene, "remove_model") == []


def test_a_refused_action_says_why_in_its_dialog(page: Page, busy: Scene):
    busy.work("senior_developer")
    page.goto("/models")
    dialog = press(page, "Unload", "deepseek-coder:6.7b")
    expect(dialog).to_contain_text("A session that holds it has it loaded again with its next turn.")
    confirm(dialog, "Unload")

    expect(dialog.get_by_role("alert")).to_contain_text("model_in_use")
    expect(dialog.get_by_role("alert")).to_contain_text("end_session")

    confirm(dialog, "Cancel")

    expect(row(page, "deepseek-coder:6.7b")).to_contain_text("resident")


@pytest.mark.parametrize(
    ("operation", "action"),
    [("load_model", "Load"), ("pin_model", "Pin"), ("remove_model", "Remove")],
)
def test_every_action_tells_its_error(page: Page, scene: Scene, operation: str, action: str):
    scene.answers[operation] = ModelInUse(ENDPOINT, "mistral:7b", "a turn runs on it")
    page.goto("/models")
    dialog = press(page, action, "mistral:7b")
    confirm(dialog, action)

    expect(dialog.get_by_role("alert")).to_contain_text("a turn runs on it")


def test_a_missing_model_is_pulled_with_its_progress(page: Page, scene: Scene):
    scene.library.on_disk.remove("mistral:7b")
    page.goto("/models")
    missing = page.get_by_role("region", name="On no disk")
    expect(missing).to_contain_text("Head of Operations")
    expect(missing).to_contain_text("needed")
    confirm(press(page, "Pull", "mistral:7b"), "Pull")
    bar = page.get_by_role("progressbar", name="Download of mistral:7b")
    expect(bar).to_have_attribute("aria-valuenow", "0")
    scene.library.pull("mistral:7b", ratio=0.5)

    expect(bar).to_have_attribute("aria-valuenow", "50")
    expect(missing).to_contain_text("4.0 GB of 8.0 GB, 50 %: pulling 6a0746a1ec1a")

    scene.library.pull("mistral:7b", ratio=1.0, status="completed")

    expect(bar).to_have_count(0)
    expect(page.get_by_role("region", name=ENDPOINT)).to_contain_text("mistral:7b")
    expect(missing).to_have_count(0)
    assert asked(scene, "pull_model") == [{"model": "mistral:7b", "wait_s": 0.0}]


def test_a_running_pull_is_cancelled(page: Page, scene: Scene):
    scene.library.on_disk.remove("mistral:7b")
    scene.library.pull("mistral:7b", ratio=0.25)
    page.goto("/models")
    expect(page.get_by_role("button", name="Pull mistral:7b", exact=True)).to_have_count(0)
    confirm(press(page, "Cancel the pull", "mistral:7b"), "Cancel the pull")

    expect(row(page, "mistral:7b")).to_contain_text("cancelled at 2.0 GB of 8.0 GB, 25 %")
    expect(page.get_by_role("button", name="Pull mistral:7b", exact=True)).to_be_visible()
    assert asked(scene, "cancel_pull") == [{"model": "mistral:7b", "endpoint": ENDPOINT}]


def test_a_model_of_any_name_is_pulled(page: Page, scene: Scene):
    page.goto("/models")
    page.get_by_role("button", name="Pull a model", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Model as Ollama names it").fill("qwen3:8b")
    confirm(dialog, "Pull a model")

    expect(row(page, "qwen3:8b").get_by_role("progressbar")).to_be_visible()
    assert asked(scene, "pull_model") == [{"model": "qwen3:8b", "wait_s": 0.0}]


def test_a_name_that_is_none_is_refused_in_the_dialog(page: Page, scene: Scene):
    page.goto("/models")
    page.get_by_role("button", name="Pull a model", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Model as Ollama names it").fill("no such name")
    confirm(dialog, "Pull a model")

    expect(dialog.get_by_role("alert")).to_contain_text("invalid_input")
    assert asked(scene, "pull_model") == []


def test_many_pages_that_watch_a_pull_cost_the_system_no_more_than_one(page: Page, scene: Scene):
    from serve_app.monitor.views.models import TICK_S

    scene.library.on_disk.remove("mistral:7b")
    scene.library.pull("mistral:7b", ratio=0.25)
    pages = [page, *(page.context.new_page() for _ in range(3))]
    for shown in pages:
        shown.goto("/models")
        expect(shown.get_by_role("progressbar")).to_be_visible()
    scene.asked.clear()
    began = time.monotonic()
    scene.library.pull("mistral:7b", ratio=0.75)
    for shown in pages:
        expect(shown.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "75")
    at_most = (time.monotonic() - began) / (TICK_S * QUICK) + 2

    assert 0 < [name for name, _ in scene.asked].count("list_models") <= at_most


def test_a_hostile_name_stays_text(page: Page, scene: Scene):
    scene.library.on_disk.append(HOSTILE)
    page.goto("/models")
    name = page.locator("tbody .task > span").last
    expect(name).to_have_text(HOSTILE)
    dialog = press(page, "Load", HOSTILE)

    expect(dialog.locator(".about")).to_have_text(HOSTILE)
    expect(page).to_have_title("Models · Delegator")
    assert page.locator(".view img, dialog img").count() == 0


def test_an_error_is_told_and_what_was_known_stays(page: Page, busy: Scene):
    page.goto("/models")
    expect(row(page, "mistral:7b")).to_be_visible()
    busy.answers["list_models"] = SystemNotRunning("actor session-manager")

    expect(page.get_by_role("alert")).to_contain_text("system_not_running")
    expect(row(page, "mistral:7b")).to_be_visible()


def test_a_bug_is_told_as_an_incident(page: Page, scene: Scene):
    scene.answers["remove_model"] = InternalError("abc123")
    page.goto("/models")
    dialog = press(page, "Remove", "mistral:7b")
    confirm(dialog, "Remove")

    expect(dialog.get_by_role("alert")).to_contain_text("abc123")


def test_simulated_models_say_so(page: Page, scene: Scene):
    scene.simulated = True
    page.goto("/models")

    expect(row(page, "mistral:7b").get_by_text("simulated")).to_be_visible()
    expect(page.get_by_text("estimated")).to_have_count(0)


class TestPhone:
    @pytest.fixture
    def viewport(self) -> tuple[int, int]:
        return (390, 844)

    def test_a_row_is_a_card_with_its_actions(self, page: Page, busy: Scene):
        busy.library.on_disk.append("m" * 90 + ":latest")
        busy.library.on_disk.remove("mistral:7b")
        busy.library.pull("mistral:7b", ratio=0.25)
        page.goto("/models")
        expect(page.get_by_role("progressbar")).to_be_visible()

        assert page.evaluate(
            "[...document.querySelectorAll('.view *')].every(e => e.getBoundingClientRect().right <= 391)"
        )
        confirm(press(page, "Load", "llama3.1:8b"), "Load")
        expect(row(page, "llama3.1:8b")).to_contain_text("resident")
