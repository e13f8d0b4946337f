"""Bugs: what people see of an exception that nobody foresaw, and where the rest of it goes.

Owns the log file of the command line. People get a sentence and the path; the traceback is in the file.
"""

from __future__ import annotations

import logging
import tempfile
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from delegator.errors import SettingsInvalid
from delegator.schemas import ErrorBody
from delegator.settings import Settings

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class _LogFile(logging.Handler):
    """Opens the file with the first record, since most commands have nothing to log."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.setFormatter(logging.Formatter(_FORMAT))

    def emit(self, record: logging.LogRecord) -> None:
        _write(self.format(record))


def _write(text: str) -> None:
    try:
        with log_path().open("a", encoding="utf-8", errors="backslashreplace") as log:
            log.write(text + "\n")
    except OSError:  # a full disk must not turn a sentence into a traceback
        return


def log_path() -> Path:
    """Return the log of the command line; in the folder for temporary files where the home folder cannot be had."""
    try:
        folder = Settings.load().home_dir / "logs"
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, SettingsInvalid):
        folder = Path(tempfile.gettempdir())
    return folder / "cli.log"


def log_quietly() -> None:
    """Send warnings and worse to the log file, unless a command sets up logging of its own."""
    logging.lastResort = _LogFile()


def record_bug(bug: Exception, arguments: Sequence[str]) -> ErrorBody:
    """Write a bug down, and return what to tell about it."""
    command = " ".join(arguments)[:500]
    _write("".join((f"{datetime.now(UTC).isoformat()} delegator {command}\n", *traceback.format_exception(bug))))
    return ErrorBody(
        code="internal_error",
        message=f"something went wrong inside Delegator ({type(bug).__name__}: {bug})"[:500],
        hint=f"This is a bug. The story is in {log_path()}; please report it.",
    )
