"""Commands that load, unload, pin and unpin a model by hand: asked again until that has come to its end.

Owns the asking; how the outcome looks is in `views/models.py`.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from delegator.schemas import ErrorBody, ModelControlReply, ModelControlRequest
from serve_app.cli.commands import add_command
from serve_app.cli.exits import CommandFailed
from serve_app.cli.operation_commands import shared_parameters, with_parameters
from serve_app.cli.progress import patiently
from serve_app.cli.request_options import RequestOptions
from serve_app.cli.running import with_system
from serve_app.cli.terminal import Terminal
from serve_app.operations import BY_NAME

if TYPE_CHECKING:
    from serve_app.client import AsyncClient

Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for the end, or return once it is under way.")]

UNDER_WAY = ("loading", "unloading")
BRING_IN = ("load_model", "pin_model")

OPTIONS = RequestOptions(model=ModelControlRequest, arguments={"model": "MODEL"}, omitted=frozenset({"wait_s"}))


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlCommand:
    """The words of one operation on a model's memory; see `OperationCommand`."""

    operation: str
    word: str
    about: str
    examples: tuple[str, ...]
    saying: str

    def add_to(self, app: typer.Typer) -> None:
        """Add the command to its group."""
        waiting = inspect.Parameter("wait", inspect.Parameter.KEYWORD_ONLY, annotation=Wait, default=True)
        parameters = [*OPTIONS.parameters(), waiting, *shared_parameters()]
        function = with_parameters(self._run, parameters, name=self.operation)
        add_command(app, self.word, function, about=self.about, examples=self.examples)

    def _run(self, *, as_json: bool, url: str | None, wait: bool, **values: Any) -> None:
        terminal = Terminal(as_json=as_json)
        request = OPTIONS.request(values)
        assert isinstance(request, ModelControlRequest)  # noqa: S101 - for the type checker

        async def work(client: AsyncClient) -> ModelControlReply:
            done = self._done(client, request) if wait else self._asked(client, request, wait_s=0)
            return await patiently(terminal, done, saying=f"{self.saying} {request.model}")

        reply = with_system(url, work)
        if wait and self.operation in BRING_IN and reply.state == "absent":
            raise CommandFailed(_unloaded(reply))
        terminal.reply(reply)

    async def _done(self, client: AsyncClient, request: ModelControlRequest) -> ModelControlReply:
        """Ask until it has come to its end, always the endpoint that has begun it."""
        reply = await self._asked(client, request)
        while reply.state in UNDER_WAY:
            reply = await self._asked(client, request, endpoint=reply.endpoint)
        return reply

    async def _asked(self, client: AsyncClient, request: ModelControlRequest, **changes: Any) -> ModelControlReply:
        reply = await client.call(BY_NAME[self.operation], request.model_copy(update=changes))
        assert isinstance(reply, ModelControlReply)  # noqa: S101 - for the type checker
        return reply


def _unloaded(reply: ModelControlReply) -> ErrorBody:
    return ErrorBody(
        code="load_cancelled",
        message=f"'{reply.model}' was being loaded on {reply.endpoint}, and somebody has stopped that",
        hint=f"Load it again with: delegator models load {reply.model}",
    )
