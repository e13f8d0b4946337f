"""`delegator models`: what is on the disks and in memory, fetching and removing it, and what fits the machine."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Annotated

import typer

from delegator.errors import DelegatorError, SystemNotRunning
from delegator.schemas import ErrorBody, NoInput, Pull, PullModelRequest, PullsReply
from serve_app.cli.commands import SYSTEM, add_command, group
from serve_app.cli.controlling import ControlCommand
from serve_app.cli.exits import CommandFailed
from serve_app.cli.fit import add_fit
from serve_app.cli.operation_commands import OperationCommand, shared_parameters, with_parameters
from serve_app.cli.pulling import failure_of, fetch, raise_if_failed, shown
from serve_app.cli.request_options import RequestOptions
from serve_app.cli.running import with_system
from serve_app.cli.terminal import Terminal
from serve_app.faults import body_of

if TYPE_CHECKING:
    from serve_app.client import AsyncClient

MODEL = "qwen3:8b"
"""A model for examples."""

PANEL = SYSTEM

Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for the end, or return once it is under way.")]
Endpoint = Annotated[
    str | None, typer.Option("--endpoint", metavar="NAME", help="Which Ollama; else the first that lacks the model.")
]
ToPull = Annotated[
    str | None,
    typer.Argument(metavar="MODEL", help="The model as Ollama names it; without it all that the roles miss."),
]

COMMANDS = (
    OperationCommand(
        operation="list_models",
        word="list",
        about="List the models on every disk and those the roles miss. Says who uses them and what is in memory.",
        saying="Looking at the disks",
        examples=("delegator models list", "delegator models list --json"),
    ),
    OperationCommand(
        operation="get_pull",
        word="progress",
        about="Show how far a download is, or how the latest ended.",
        arguments={"model": "MODEL"},
        saying="Looking at the download",
        examples=(f"delegator models progress {MODEL}", f"delegator models progress {MODEL} --wait-s 20 --json"),
    ),
    OperationCommand(
        operation="cancel_pull",
        word="cancel",
        about="Stop a download. What has come is kept, and the next pull goes on from there.",
        arguments={"model": "MODEL"},
        saying="Stopping the download",
        examples=(f"delegator models cancel {MODEL}",),
    ),
    OperationCommand(
        operation="remove_model",
        word="remove",
        about="Delete a model from the disk, unloading it first. Refused while a session uses it.",
        arguments={"model": "MODEL"},
        saying="Removing the model",
        examples=("delegator models remove codellama:13b", "delegator models remove codellama:13b --endpoint ollama-2"),
    ),
)

CONTROLS = (
    ControlCommand(
        operation="load_model",
        word="load",
        about="Bring a model into memory. It stays for a while unless a session takes it; pin it to keep it.",
        saying="Loading",
        examples=(f"delegator models load {MODEL}", f"delegator models load {MODEL} --endpoint ollama-2 --no-wait"),
    ),
    ControlCommand(
        operation="unload_model",
        word="unload",
        about="Take an idle model out of memory. Sessions get it back with their next turn.",
        saying="Unloading",
        examples=(f"delegator models unload {MODEL}",),
    ),
    ControlCommand(
        operation="pin_model",
        word="pin",
        about="Keep a model in memory until it is unpinned, also over restarts. Loads it first.",
        saying="Loading and pinning",
        examples=(f"delegator models pin {MODEL}",),
    ),
    ControlCommand(
        operation="unpin_model",
        word="unpin",
        about="Give a pinned model back to the usual rules. Where no session needs it, it leaves memory.",
        saying="Unpinning",
        examples=(f"delegator models unpin {MODEL}",),
    ),
)


def pull(*, as_json: bool, url: str | None, wait: bool, model: str | None, endpoint: str | None) -> None:
    """Fetch one model, or all that the roles miss."""
    terminal = Terminal(as_json=as_json)
    if model is None:
        _pull_missing(terminal, url, endpoint)
        return
    request = PULL.request({"model": model})
    assert isinstance(request, PullModelRequest)  # noqa: S101 - for the type checker

    async def work(client: AsyncClient) -> Pull:
        if not wait:
            return await client.pull_model(model=model, wait_s=0, **({"endpoint": endpoint} if endpoint else {}))
        with shown(terminal, model) as seen:
            return await fetch(client, model, endpoint=endpoint, seen=seen)

    ended = with_system(url, work)
    raise_if_failed(ended)
    terminal.reply(ended)


def _pull_missing(terminal: Terminal, url: str | None, endpoint: str | None) -> None:
    """Fetch one model after the other, all of them, and fail at the end with the first that failed."""

    async def work(client: AsyncClient) -> tuple[list[Pull], list[ErrorBody]]:
        listed = await client.list_models(NoInput())
        pulls: list[Pull] = []
        errors: list[ErrorBody] = []
        for name in [model.model for model in listed.models if model.needed]:
            try:
                with shown(terminal, name) as seen:
                    pulls.append(await fetch(client, name, endpoint=endpoint, seen=seen))
            except SystemNotRunning:
                raise
            except DelegatorError as error:
                errors.append(body_of(error))
        return pulls, [*errors, *(failure_of(pull) for pull in pulls if pull.status != "completed")]

    pulls, errors = with_system(url, work)
    if errors:
        raise CommandFailed(errors[0])
    terminal.reply(PullsReply(pulls=pulls))


PULL = RequestOptions(model=PullModelRequest, arguments={"model": "MODEL"}, omitted=frozenset({"wait_s", "endpoint"}))


def _parameters() -> list[inspect.Parameter]:
    keyword = inspect.Parameter.KEYWORD_ONLY
    return [
        inspect.Parameter("model", keyword, annotation=ToPull, default=None),
        inspect.Parameter("endpoint", keyword, annotation=Endpoint, default=None),
        inspect.Parameter("wait", keyword, annotation=Wait, default=True),
        *shared_parameters(),
    ]


app = group("models", "See, fetch, load, pin and remove models, and find out what fits the machine.")
COMMANDS[0].add_to(app)
add_command(
    app,
    "pull",
    with_parameters(pull, _parameters(), name="pull_model"),
    about="Fetch a model, or all that the roles miss. Goes on where an earlier pull was cut off; Ctrl-C stops it.",
    examples=(f"delegator models pull {MODEL}", "delegator models pull", f"delegator models pull {MODEL} --no-wait"),
)
for command in (*COMMANDS[1:], *CONTROLS):
    command.add_to(app)
add_fit(app)


def add_models(program: typer.Typer) -> None:
    """Add the group to the program."""
    program.add_typer(app, rich_help_panel=PANEL)
