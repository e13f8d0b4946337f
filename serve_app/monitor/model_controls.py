"""What can be done with models from the page, and what is said before it is done. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from delegator.schemas import ModelInfo, Pull, ResidentModel
from serve_app.formats import gigabytes, one_line
from serve_app.monitor.controls import Control, Option, Question, control


def of_resident(resident: ResidentModel, endpoint: str, *, on_disk: bool) -> tuple[Control, ...]:
    """Return what can be done with a model in memory; one that another program has loaded is never touched."""
    if resident.foreign:
        return ()
    change = (
        unpin(resident.model, endpoint)  # first: as long as it is pinned an unload is refused
        if resident.pinned
        else (*pin(resident.model, endpoint), *unload(resident, endpoint))
    )
    return (*change, *(remove(resident.model, endpoint) if on_disk else ()))


def of_available(model: ModelInfo, endpoint: str) -> tuple[Control, ...]:
    """Return what can be done with a model that is on the disk alone."""
    size = "" if model.memory_gb is None else f" It takes about {gigabytes(model.memory_gb)}."
    return (
        *_do(
            "load_model",
            "Load",
            "Load this model?",
            f"It comes into the memory of {one_line(endpoint)}; idle models may have to leave for it.{size}",
            model.model,
            endpoint,
        ),
        *pin(model.model, endpoint),
        *remove(model.model, endpoint),
    )


def of_missing(model: ModelInfo, endpoints: Sequence[str]) -> tuple[Control, ...]:
    """Return what can be done with a model that no endpoint has."""
    return control(
        "pull_model",
        label="Pull",
        title="Pull this model?",
        says="It is downloaded onto the disk of an Ollama. What had come before is not fetched again.",
        request={"model": model.model, "wait_s": 0},
        questions=_where(endpoints),
        about=one_line(model.model),
    )


def of_pull(pull: Pull) -> tuple[Control, ...]:
    """Return what can be done with a download that runs."""
    return _do(
        "cancel_pull",
        "Cancel the pull",
        "Cancel this download?",
        "What has come is kept: pulling it again goes on from there.",
        pull.model,
        pull.endpoint,
    )


def pull_any(endpoints: Sequence[str]) -> tuple[Control, ...]:
    """Return the control that fetches a model of any name."""
    return control(
        "pull_model",
        label="Pull a model",
        title="Pull a model",
        says="It is downloaded onto the disk of an Ollama; this page shows how far it is.",
        request={"wait_s": 0},
        questions=(Question("model", "Model as Ollama names it, such as qwen3:8b", required=True), *_where(endpoints)),
    )


def pin(model: str, endpoint: str) -> tuple[Control, ...]:
    """Return the control that keeps a model in memory."""
    return _do(
        "pin_model",
        "Pin",
        "Pin this model?",
        "It is loaded where it is not, and stays in memory though no session holds it, until it is unpinned.",
        model,
        endpoint,
    )


def unpin(model: str, endpoint: str) -> tuple[Control, ...]:
    """Return the control that lets a pinned model go like any other."""
    return _do(
        "unpin_model",
        "Unpin",
        "Unpin this model?",
        "It leaves memory like any other model once no session holds it.",
        model,
        endpoint,
    )


def unload(resident: ResidentModel, endpoint: str) -> tuple[Control, ...]:
    """Return the control that takes a model out of memory."""
    held = " A session that holds it has it loaded again with its next turn." if resident.held_by else ""
    return _do(
        "unload_model",
        "Unload",
        "Unload this model?",
        f"{gigabytes(resident.memory_gb)} come free on {one_line(endpoint)}.{held}",
        resident.model,
        endpoint,
    )


def remove(model: str, endpoint: str) -> tuple[Control, ...]:
    """Return the control that deletes a model's files."""
    return control(
        "remove_model",
        label="Remove",
        title="Remove this model from the disk?",
        says=f"Its files on {one_line(endpoint)} are deleted; to have it again it must be pulled again.",
        request={"model": model, "endpoint": endpoint},
        about=one_line(model),
    )


def _do(operation: str, label: str, title: str, says: str, model: str, endpoint: str) -> tuple[Control, ...]:
    return control(
        operation,
        label=label,
        title=title,
        says=says,
        request={"model": model, "endpoint": endpoint},
        about=one_line(model),
    )


def _where(endpoints: Sequence[str]) -> tuple[Question, ...]:
    """Ask for the endpoint where there are several."""
    if len(endpoints) < 2:
        return ()
    options = (Option("", "The first that lacks it"), *(Option(name, one_line(name)) for name in endpoints))
    return (Question("endpoint", "Where", options),)
