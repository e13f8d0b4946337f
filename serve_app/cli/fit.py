"""`delegator models fit`: which roles fit this machine, and which catalogue suits it.

Asks the running system, which has measured; without one, or for a machine or catalogue that is only tried, it answers
from the catalogues' estimates.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Annotated

import typer

from delegator.errors import SystemNotRunning
from delegator.schemas import Complexity, FitModelsReply, FitModelsRequest
from delegator.settings import GB, Settings
from serve_app.cli.commands import add_command
from serve_app.cli.offline import Catalogue
from serve_app.cli.operation_commands import shared_parameters, with_parameters
from serve_app.cli.request_options import validated
from serve_app.cli.running import with_system
from serve_app.cli.terminal import Terminal

if TYPE_CHECKING:
    from serve_app.client import AsyncClient

Memory = Annotated[
    str | None, typer.Option("--memory", metavar="SIZE", help="Try a machine with this memory for models, as in 24GB.")
]


def fit(*, as_json: bool, url: str | None, memory: str | None, catalogue: str | None) -> None:
    """Say what fits."""
    terminal = Terminal(as_json=as_json)
    if url is not None or (memory is None and catalogue is None):
        try:
            terminal.reply(_asked(url, memory, catalogue))
            return
        except SystemNotRunning:
            if url is not None:
                raise
    terminal.reply(estimated(Settings.load(memory=memory, catalogue=catalogue)))


def _asked(url: str | None, memory: str | None, catalogue: str | None) -> FitModelsReply:
    size = None if memory is None else Settings.load(memory=memory).memory
    tried = {"memory_gb": size and size / GB, "catalogue": catalogue}
    request = validated(FitModelsRequest, {name: value for name, value in tried.items() if value is not None})
    assert isinstance(request, FitModelsRequest)  # noqa: S101 - for the type checker

    async def work(client: AsyncClient) -> FitModelsReply:
        return await client.fit_models(request)

    return with_system(url, work)


def estimated(settings: Settings) -> FitModelsReply:
    """Fit the catalogue of the settings to their memory, or this machine's, by the catalogue's estimates alone."""
    from actors.footprint import left_for_models
    from delegator.analysis.category import TEAM_OF_CATEGORY
    from delegator.residency.fit import NOTHING_KNOWN, Machine
    from delegator.residency.fit_report import machine_fit
    from delegator.roles import load_catalogue
    from serve_app.lifecycle.memory import memory_for_models

    catalogue = load_catalogue(settings.catalogue)
    simulated = settings.models == "simulated"
    left = left_for_models(memory_for_models(settings, simulated=simulated), catalogue)
    limits = settings.complexity_limits
    machine = Machine(left, round(max(limits.of(level).max_memory_gb for level in Complexity) * GB))
    teams = tuple(TEAM_OF_CATEGORY.values())
    found = machine_fit(catalogue, machine, known=NOTHING_KNOWN, teams=teams, endpoint=None)
    return FitModelsReply(machines=[found], sizes="estimated", simulated=simulated)


def add_fit(app: typer.Typer) -> None:
    """Add `fit` to the group of models."""
    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [
        inspect.Parameter("memory", keyword, annotation=Memory, default=None),
        inspect.Parameter("catalogue", keyword, annotation=Catalogue, default=None),
        *shared_parameters(),
    ]
    add_command(
        app,
        "fit",
        with_parameters(fit, parameters, name="fit_models"),
        about="Say which roles fit the machine, and suggest a catalogue. Needs no running system; one that runs has "
        "measured sizes.",
        examples=(
            "delegator models fit",
            "delegator models fit --memory 24GB",
            "delegator models fit --memory 64GB --catalogue compact --json",
        ),
    )
