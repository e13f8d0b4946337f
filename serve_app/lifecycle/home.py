"""The home folder of a Delegator: where its files are, its id, and the lock that one `up` or `down` holds at a time."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from actors.local_ray import runtime_dir
from delegator.errors import StartFailed

LOCK_S = 180.0
"""Real seconds to wait for another `up` or `down` of the same home."""

_STEP_S = 0.1


@dataclass(frozen=True, slots=True)
class Home:
    """The places in one home folder. There is one instance of Delegator per home."""

    path: Path

    @property
    def instance_id(self) -> str:
        """What marks all processes of this home: the same after every start, so that remains of a crash are found."""
        place = f"{os.geteuid()}:{self.path.resolve()}"
        return hashlib.sha256(place.encode()).hexdigest()[:10]

    @property
    def instance_file(self) -> Path:
        return self.path / "instance.json"

    @property
    def database_dir(self) -> Path:
        return self.path / "postgres"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def token_file(self) -> Path:
        """The secret of our Ray."""
        return self.path / "ray_token"

    @property
    def runtime_dir(self) -> Path:
        """Folder of sockets and session files of our Ray, outside the home; there only while it runs."""
        return runtime_dir(self.instance_id)

    @contextlib.contextmanager
    def lock(self, waiting: Callable[[], None]) -> Iterator[None]:
        """Keep every other `up` and `down` of this home out; falls with the process that holds it.

        Args:
            waiting: called once when another one has to be waited for.

        Raises:
            StartFailed: the other one does not come to its end.
        """
        path = self.path / "lifecycle.lock"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + LOCK_S
        told = False
        try:
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise StartFailed("Delegator", f"another up or down holds {path}", "End that one.") from None
                if not told:
                    told = True
                    waiting()
                time.sleep(_STEP_S)
            yield
        finally:
            os.close(descriptor)
