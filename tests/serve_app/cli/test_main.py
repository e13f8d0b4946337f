"""The border: whatever a command raises becomes words and an exit code, and never a traceback."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from serve_app.cli.main import main
from tests.serve_app.cli.conftest import PROGRAM, Ended
from tests.serve_app.samples import CannedBackend

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["anlyze", "x"], "Did you mean 'analyze'?"),
        (["session", "show"], "SESSION"),
        (["history", "--page", "many"], "--page"),
        (["history", "--date", "12.11.2025"], "date"),
        (["roles", "--bogus"], "--bogus"),
        (["session", "list", "superfluous"], "superfluous"),
    ],
)
def test_wrong_usage_is_a_sentence_with_a_hint(
    delegator: Callable[..., Ended], arguments: list[str], problem: str
) -> None:
    told, as_json = delegator(*arguments), delegator(*arguments, "--json")

    assert (told.code, told.out) == (2, "")
    assert told.err.startswith("error: ")
    assert problem in told.err
    assert (as_json.code, as_json.err) == (2, "")
    assert as_json.json["error"]["code"] == "invalid_input"


def test_a_wrong_setting_names_its_key(delegator: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DELEGATOR_PROT", "8000")

    ended = delegator("roles", "--json")

    assert ended.code == 2
    assert ended.json["error"]["code"] == "settings_invalid"
    assert "DELEGATOR_PORT" in ended.json["error"]["hint"]


def test_a_bug_is_a_sentence_and_its_story_is_in_the_log(
    online: Callable[..., Ended], backend: CannedBackend, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("serve_app.cli.terminal.view_of", lambda _reply: 1 / 0)

    ended = online("session", "list")

    assert ended.code == 70
    assert ended.err.startswith("error: something went wrong inside Delegator (ZeroDivisionError: division by zero)")
    log = tmp_path / "home" / "logs" / "cli.log"
    assert str(log) in ended.err
    assert "Traceback" not in ended.err
    assert "Traceback" in log.read_text()


def test_a_bug_shows_itself_when_asked(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serve_app.cli.terminal.view_of", lambda _reply: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        main(["--debug", "session", "list", "--url", address])


def test_a_reader_that_leaves_is_no_error() -> None:
    program = f"{sys.executable} -m serve_app.cli roles --json | true; echo ${{PIPESTATUS[0]}}"

    ended = subprocess.run(
        ["bash", "-c", program], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )

    assert ended.stderr == ""
    assert ended.stdout.strip() in ("0", "1")


def on_terminal(*arguments: str, **environment: str) -> str:
    """Return what a command writes to a terminal."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [*PROGRAM, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", **environment},
    )
    os.close(theirs)
    written = b""
    try:
        while piece := os.read(ours, 65536):
            written += piece
    except OSError:  # the last writer has closed its end
        pass
    finally:
        os.close(ours)
        child.wait(60)
    return written.decode()


def test_colours_are_for_terminals_and_never_with_no_color(delegator: Callable[..., Ended]) -> None:
    coloured, plain = on_terminal("roles"), on_terminal("roles", NO_COLOR="1")

    assert "\x1b[" in coloured
    assert "\x1b[" not in plain
    assert "\x1b[" not in delegator("roles").out
    assert "senior_developer" in plain


def test_json_is_indented_for_people_and_one_line_for_programs(delegator: Callable[..., Ended]) -> None:
    assert on_terminal("roles", "--json").startswith('{\r\n  "catalogue"')
    assert delegator("roles", "--json").out.count("\n") == 1


def test_piped_output_has_no_blanks_at_the_end_of_lines(delegator: Callable[..., Ended]) -> None:
    lines = delegator("roles").out.splitlines()

    assert lines == [line.rstrip() for line in lines]
