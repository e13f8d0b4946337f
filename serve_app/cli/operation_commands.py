"""Commands made from rows of the table of operations: parse, call, show.

Owns how a row of `operations.py` becomes a command; which words it gets is declared in the files of the groups, how its
reply looks is in `views/`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import typer

from delegator.schemas import CreateSessionReply, NoInput, Reply
from serve_app.cli.commands import AsJson, Url, add_command
from serve_app.cli.exits import NEEDS_INPUT
from serve_app.cli.progress import patiently
from serve_app.cli.request_options import RequestOptions
from serve_app.cli.running import with_system
from serve_app.cli.terminal import Terminal
from serve_app.cli.views import UNMARKED
from serve_app.cli.views.layout import remark_on_simulation
from serve_app.operations import BY_NAME

if TYPE_CHECKING:
    from serve_app.client import AsyncClient


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationCommand:
    """The words of one operation on the command line.

    Attributes:
        operation: its name in the table.
        word: the command, without its group.
        about: its help; the first sentence stands in lists.
        examples: whole command lines.
        saying: what is said while it takes longer than a moment.
        arguments, names, omitted: how the fields of its request are given, see `RequestOptions`.
    """

    operation: str
    word: str
    about: str
    examples: tuple[str, ...]
    saying: str
    arguments: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    omitted: frozenset[str] = frozenset()

    def add_to(self, app: typer.Typer, *, panel: str | None = None) -> None:
        """Add the command to the program or one of its groups."""
        add_command(app, self.word, self._function(), about=self.about, examples=self.examples, panel=panel)

    def _function(self) -> Callable[..., None]:
        operation = BY_NAME[self.operation]
        options = RequestOptions(
            model=operation.request, arguments=self.arguments, names=self.names, omitted=self.omitted
        )

        def command(*, as_json: bool, url: str | None, **values: Any) -> None:
            terminal = Terminal(as_json=as_json)
            request = options.request(values)

            async def work(client: AsyncClient) -> tuple[Reply, bool]:
                reply = await patiently(terminal, client.call(operation, request), saying=self.saying)
                return reply, not as_json and type(reply) in UNMARKED and await _simulated(client)

            reply, simulated = with_system(url, work)
            terminal.reply(reply)
            if simulated:
                terminal.show(remark_on_simulation())
            if isinstance(reply, CreateSessionReply) and reply.question is not None:
                raise typer.Exit(NEEDS_INPUT)

        return with_parameters(command, [*options.parameters(), *shared_parameters()], name=self.operation)


async def _simulated(client: AsyncClient) -> bool:
    return (await client.resource_summary(NoInput())).simulated


def shared_parameters() -> list[inspect.Parameter]:
    """Return the options of every command that talks to the running system."""
    return [
        inspect.Parameter("as_json", inspect.Parameter.KEYWORD_ONLY, annotation=AsJson, default=False),
        inspect.Parameter("url", inspect.Parameter.KEYWORD_ONLY, annotation=Url, default=None),
    ]


def with_parameters(
    function: Callable[..., None], parameters: list[inspect.Parameter], *, name: str
) -> Callable[..., None]:
    """Give a function that takes `**values` the signature that Typer reads its arguments and options from.

    Args:
        function: what the command does.
        parameters: its arguments and options.
        name: the operation behind the command: by it the commands can be held against the table.
    """

    def command(**values: Any) -> None:
        function(**values)

    command.__name__ = name
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command
