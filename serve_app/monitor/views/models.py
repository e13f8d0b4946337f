"""The view *Models* as a page."""

from __future__ import annotations

import asyncio

from delegator.schemas import Event, EventKind, NoInput
from serve_app.monitor.choices import no_choice
from serve_app.monitor.elements import Board
from serve_app.monitor.models_view import ModelsView, models_view
from serve_app.monitor.view import Sources, View


class ModelsBoard(Board[ModelsView], component="../components/monitor_models.vue"):
    """Shows it."""


TICK_S = 1.0
"""Real seconds after which it is read again without an event: a download tells of none while it runs."""

CHANGES = frozenset(
    {
        EventKind.MODEL_LOADED,
        EventKind.MODEL_UNLOADED,
        EventKind.MODEL_LOST,
        EventKind.MODEL_HELD,
        EventKind.MODEL_RELEASED,
        EventKind.MODEL_PINNED,
        EventKind.MODEL_UNPINNED,
        EventKind.MODEL_PULLED,
        EventKind.MODEL_REMOVED,
        EventKind.MODEL_QUARANTINED,
        EventKind.TURN_STARTED,
        EventKind.TURN_COMPLETED,
        EventKind.HOST_SUSPECT,
        EventKind.HOST_RECOVERED,
        EventKind.CONTROL_USED,
    }
)


async def _read(sources: Sources, _choice: None) -> ModelsView:
    listed, resources, roles = await asyncio.gather(
        sources.backend.list_models(NoInput()), sources.backend.resource_summary(NoInput()), sources.roles()
    )
    return models_view(listed, resources, roles)


def _concerned(_choice: None, event: Event) -> bool:
    return event.kind in CHANGES


MODELS = View(
    name="models",
    title="Models",
    path="/models",
    board=ModelsBoard,
    choice=no_choice,
    read=_read,
    concerned=_concerned,
    tick_s=TICK_S,
)
