"""Why the embedded PostgreSQL did not start, as a sentence and advice: from an OSError, or from its log."""

from __future__ import annotations

import errno
import re
from pathlib import Path

from delegator.errors import StartFailed

PART = "the embedded PostgreSQL"

OR_A_URL = "or set DELEGATOR_DATABASE_URL to a PostgreSQL of your own"

_FREE_SPACE = f"Free some space, choose another DELEGATOR_HOME, {OR_A_URL}."
_MAKE_WRITABLE = f"Make the folder writable, choose another DELEGATOR_HOME, {OR_A_URL}."
_DAMAGED = "Move the folder away to begin anew (the history in it stays there), or restore it from a backup."

_BY_ERRNO = {
    errno.ENOSPC: ("there is no space left for {path}", _FREE_SPACE),
    errno.EDQUOT: ("your disk quota leaves no space for {path}", _FREE_SPACE),
    errno.EACCES: ("{path} is not writable", _MAKE_WRITABLE),
    errno.EPERM: ("{path} is not writable", _MAKE_WRITABLE),
    errno.EROFS: ("{path} is on a read-only disk", _MAKE_WRITABLE),
    errno.ENOTDIR: ("a file is in the way of {path}", _MAKE_WRITABLE),
    errno.EEXIST: ("a file is in the way of {path}", _MAKE_WRITABLE),
}

_DAMAGE = (
    r"checkpoint record|PANIC|invalid page|checksum|control file|is not a database cluster|incompatible with server"
    r"|could not (open|read|access) (file|directory)|invalid (magic|data)|is missing|contains unexpected"
)

_BY_LOG = (
    (r"No space left on device|Disk quota exceeded", "there is no space left for {path}", _FREE_SPACE),
    (r"Permission denied|has wrong ownership|Read-only file system", "{path} is not writable for it", _MAKE_WRITABLE),
    (
        r"shared memory|semaphores|Cannot allocate memory",
        "the machine has no shared memory left",
        "End other programs, or raise the limits for shared memory.",
    ),
    (
        r"loader|shared libraries|GLIBC|exec format",
        "its program does not run on this system",
        f"Use another system, {OR_A_URL}.",
    ),
    (
        _DAMAGE,
        "the data in {path} is damaged",
        _DAMAGED,
    ),
)


def of_os_error(exc: OSError, path: Path) -> StartFailed:
    """Return the error for a file operation on `path` that failed."""
    problem, expected = _BY_ERRNO.get(exc.errno or 0, (f"{{path}}: {exc.strerror or exc}", _MAKE_WRITABLE))
    return StartFailed(PART, problem.format(path=path), expected)


def of_log(log: str, path: Path, *, seen_in: Path | None = None) -> StartFailed:
    """Return the error for a server, or its set-up, that ended with these words.

    `seen_in` is where a person finds the rest of the log.
    """
    for pattern, problem, expected in _BY_LOG:
        if re.search(pattern, log, re.IGNORECASE):
            return StartFailed(PART, problem.format(path=path), _with_log(expected, seen_in))
    last = _last_complaint(log) or "it ended without a word"
    return StartFailed(PART, last, _with_log(f"Mend that, {OR_A_URL}.", seen_in))


def _with_log(expected: str, seen_in: Path | None) -> str:
    return f"{expected} Its log: {seen_in}" if seen_in is not None else expected


def _last_complaint(log: str) -> str:
    found = re.findall(r"(?:FATAL|PANIC|ERROR|error|fatal):\s*(.+)", log)
    return str(found[-1]).strip() if found else ""
