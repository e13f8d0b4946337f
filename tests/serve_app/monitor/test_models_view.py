"""The view *Models*, made from replies: what stands where, and what can be done with it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from actors import by_hand
from delegator import schemas as s
from serve_app.monitor.controls import Control
from serve_app.monitor.models_view import ModelRow, ModelsView, Progress, models_view
from serve_app.operations import BY_NAME
from tests.browser.library import URL
from tests.browser.scene import Scene

AT = datetime(2026, 1, 2, 14, 30, 0, tzinfo=UTC)


def view_of(scene: Scene, **resources: Any) -> ModelsView:
    listed, summary, roles = (
        scene.answers[name](s.NoInput()) for name in ("list_models", "resource_summary", "list_roles")
    )
    return models_view(listed, summary.model_copy(update=resources), roles)


def row(view: ModelsView, model: str) -> ModelRow:
    return next(
        row for block in (view.missing, *(one.rows for one in view.endpoints)) for row in block if row.model == model
    )


def labels(controls: tuple[Control, ...]) -> list[str]:
    return [control.label for control in controls]


def known(*operations: tuple[str, str]) -> list[str]:
    """The labels of those (operation, label) that the table has."""
    return [label for operation, label in operations if operation in BY_NAME]


@pytest.fixture
def scene() -> Scene:
    scene = Scene(now=AT)
    scene.open_session(1, running_s=60)
    scene.work("senior_developer")
    return scene


def test_what_is_in_memory_comes_first_with_who_holds_it(scene):
    view = view_of(scene)
    block = view.endpoints[0]

    assert (block.name, block.url, block.used, block.overfull) == ("ollama", URL, "8.1 GB of 64.0 GB in use", False)
    assert len(block.rows) == 7
    first = block.rows[0]
    assert (first.model, first.roles, first.state, first.flags) == (
        "deepseek-coder:6.7b",
        "Senior Developer",
        "resident",
        ("working",),
    )
    assert (first.memory, first.memory_mark, first.disk, first.holders) == ("8.1 GB", "measured", "4.9 GB", "1 session")
    assert labels(first.controls) == known(("pin_model", "Pin"), ("unload_model", "Unload"), ("remove_model", "Remove"))


def test_what_is_on_the_disk_alone_can_be_loaded(scene):
    found = row(view_of(scene), "deepseek-coder:33b")

    assert (found.state, found.roles, found.memory_mark, found.holders) == (
        "available",
        "CTO, Senior Architect",
        "estimated",
        "–",
    )
    assert labels(found.controls) == known(("load_model", "Load"), ("pin_model", "Pin"), ("remove_model", "Remove"))


def test_a_control_names_model_and_endpoint(scene):
    remove = row(view_of(scene), "deepseek-coder:33b").controls[-1]

    assert remove == Control(
        "remove_model",
        "Remove",
        "Remove this model from the disk?",
        "Its files on ollama are deleted; to have it again it must be pulled again.",
        {"model": "deepseek-coder:33b", "endpoint": "ollama"},
        destructive=True,
        about="deepseek-coder:33b",
    )


def test_every_control_asks_for_a_request_of_its_operation(scene):
    scene.library.on_disk.remove("mistral:7b")
    scene.library.pull("mistral:7b", ratio=0.5)
    view = view_of(scene)
    rows = [row for block in (view.missing, *(one.rows for one in view.endpoints)) for row in block]
    found = [control for row in rows for control in (*row.controls, *(row.progress.controls if row.progress else ()))]

    assert {control.operation for control in found} >= {"remove_model", "cancel_pull"}
    assert all(BY_NAME[control.operation].request.model_validate(control.request) for control in found)


def test_what_another_program_has_loaded_is_not_touched(scene):
    scene.residents.append(
        s.ResidentModel(
            model="gemma:2b",
            endpoint=URL,
            memory_gb=70,
            gpu_gb=0,
            held_by=[],
            foreign=True,
            busy=False,
            loaded_at=None,
        )
    )
    view = view_of(scene)
    found = row(view, "gemma:2b")

    assert (found.flags, found.holders, found.disk, found.controls) == (("foreign",), "another program", "–", ())
    assert view.endpoints[0].overfull


def test_a_pinned_model_can_be_unpinned(scene):
    scene.residents[0] = scene.residents[0].model_copy(update={"pinned": True, "busy": False, "held_by": []})
    found = row(view_of(scene), "deepseek-coder:6.7b")

    assert (found.flags, found.holders) == (("pinned",), "nobody")
    assert labels(found.controls) == known(("unpin_model", "Unpin"), ("remove_model", "Remove"))


@pytest.mark.parametrize(
    ("held_by", "holders"),
    [
        ([], "nobody"),
        (["s1"], "1 session"),
        ([by_hand.BY_HAND], "by hand"),
        ([by_hand.BY_HAND, "s1", "s2"], "2 sessions, by hand"),
    ],
)
def test_a_hand_that_holds_a_model_is_no_session(scene, held_by, holders):
    scene.residents[0] = scene.residents[0].model_copy(update={"held_by": held_by})

    assert row(view_of(scene), "deepseek-coder:6.7b").holders == holders


def test_what_is_missing_says_who_needs_it_and_can_be_pulled(scene):
    scene.library.on_disk.remove("qwen2.5:14b")
    view = view_of(scene)
    found = view.missing[0]

    assert (found.model, found.roles, found.state, found.flags) == ("qwen2.5:14b", "CEO", "missing", ("needed",))
    assert (found.disk, found.memory) == ("–", "12.1 GB")
    assert [(control.operation, control.request, control.questions) for control in found.controls] == [
        ("pull_model", {"model": "qwen2.5:14b", "wait_s": 0}, ())
    ]


def test_a_download_shows_how_far_it_is_and_can_be_cancelled(scene):
    scene.library.on_disk.remove("qwen2.5:14b")
    scene.library.pull("qwen2.5:14b", ratio=0.25)
    found = row(view_of(scene), "qwen2.5:14b")

    assert found.controls == ()
    assert found.progress is not None
    assert (found.progress.running, found.progress.share) == (True, 0.25)
    assert found.progress.words == "2.0 GB of 8.0 GB, 25 %: pulling 6a0746a1ec1a"
    assert labels(found.progress.controls) == ["Cancel the pull"]


def test_a_download_that_ended_badly_says_so_and_can_be_pulled_again(scene):
    scene.library.on_disk.remove("qwen2.5:14b")
    pull = scene.library.pull("qwen2.5:14b", ratio=0.25, status="failed")
    error = s.ErrorBody(code="x", message="The disk is full.")
    scene.library.pulls["qwen2.5:14b"] = pull.model_copy(update={"error": error})
    found = row(view_of(scene), "qwen2.5:14b")

    assert found.progress == Progress(False, 0.25, "failed at 2.0 GB of 8.0 GB, 25 %", "The disk is full.", ())
    assert labels(found.controls) == ["Pull"]


def test_a_download_that_is_done_is_not_told_any_more(scene):
    scene.library.pull("mistral:7b", ratio=1.0, status="completed")

    assert row(view_of(scene), "mistral:7b").progress is None


def test_with_several_endpoints_each_has_its_block_and_a_pull_asks_where(scene):
    scene.library.on_disk.remove("qwen2.5:14b")
    first = scene.answers["resource_summary"](s.NoInput()).endpoints[0]
    second = first.model_copy(
        update={"endpoint": "ollama-2", "url": "http://gpu:11434", "suspect": "no answer", "advice": "Restart it."}
    )
    elsewhere = scene.residents[0].model_copy(update={"endpoint": "http://gpu:11434"})
    view = view_of(scene, endpoints=[first, second], models=[elsewhere])

    assert [block.name for block in view.endpoints] == ["ollama", "ollama-2"]
    assert (view.endpoints[1].suspect, view.endpoints[1].advice) == ("no answer", "Restart it.")
    assert [one.state for one in view.endpoints[1].rows] == ["resident"]
    assert {one.state for one in view.endpoints[0].rows} == {"available"}
    question = view.missing[0].controls[0].questions[0]
    assert [option.value for option in question.options] == ["", "ollama", "ollama-2"]


def test_simulated_sizes_say_so():
    view = view_of(Scene(now=AT, simulated=True))

    assert view.mark == "simulated"
    assert {row.memory_mark for row in view.endpoints[0].rows} == {"simulated"}


def test_endpoints_that_did_not_answer_are_told(scene):
    listed = scene.answers["list_models"](s.NoInput()).model_copy(update={"notes": ["ollama-2: it does not answer"]})
    scene.answers["list_models"] = lambda _: listed

    assert view_of(scene).notes == ("ollama-2: it does not answer",)
