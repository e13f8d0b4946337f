"""Every command explains itself, and the examples it gives are commands that exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from typing import Any

import pytest
from typer.main import get_command

from serve_app.cli import exits
from serve_app.cli.main import app
from tests.serve_app.cli.conftest import Ended
from tests.serve_app.cli.test_operation_commands import commands

PROGRAM = get_command(app)
COMMANDS = dict(commands(PROGRAM))

NO_JSON = {("mcp",)}
"""Standard output is the wire there."""


def examples(command: Any) -> list[str]:
    return [line.removeprefix("$ ") for line in (command.epilog or "").splitlines() if line.startswith("$ ")]


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_a_command_has_help_with_examples(delegator: Callable[..., Ended], path: tuple[str, ...]) -> None:
    ended = delegator(*path, "--help")

    assert ended.code == 0
    assert "Examples" in ended.out
    assert f"delegator {' '.join(path)}" in ended.out
    assert COMMANDS[path].short_help.endswith(".")


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_option_and_argument_is_explained(path: tuple[str, ...]) -> None:
    unexplained = [parameter.name for parameter in COMMANDS[path].params if not getattr(parameter, "help", "")]

    assert unexplained in ([], ["session_id", "agent_role"], ["agent_role"], ["session_id"], ["task_id"])


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_takes_json(path: tuple[str, ...]) -> None:
    options = [option for parameter in COMMANDS[path].params for option in parameter.opts]

    assert ("--json" in options) is (path not in NO_JSON)


@pytest.mark.parametrize(
    "line", sorted({line for command in COMMANDS.values() for line in examples(command)} | set(examples(PROGRAM)))
)
def test_an_example_is_a_command_line_that_parses(line: str) -> None:
    words = shlex.split(re.split(r"\s[<>|]\s", line.rsplit(" | ", maxsplit=1)[-1])[0])
    if words[0] != "delegator":
        words = words[words.index("delegator", words.index("--")) :]  # what another program is told to start
    path = next(tuple(words[1:end]) for end in (2, 3) if tuple(words[1:end]) in COMMANDS)

    COMMANDS[path].make_context(path[-1], words[1 + len(path) :])


def test_the_program_tells_its_exit_codes(delegator: Callable[..., Ended]) -> None:
    told = delegator("--help").out

    for code, meaning in exits.MEANING.items():
        assert re.search(rf"^\s*{code}\s+{re.escape(meaning)}", told, re.MULTILINE)


@pytest.mark.parametrize("arguments", [[], ["session"], ["task"], ["models"]])
def test_a_group_alone_shows_its_help(delegator: Callable[..., Ended], arguments: list[str]) -> None:
    ended = delegator(*arguments)

    assert ended.code == 0
    assert ended.out.lstrip().startswith("Usage: " + " ".join(["delegator", *arguments]))


def test_the_version_is_told(delegator: Callable[..., Ended]) -> None:
    option, command, as_json = delegator("--version"), delegator("version"), delegator("version", "--json")

    assert option.out.strip() == as_json.json["version"]
    assert as_json.json["version"] in command.out
