"""What must hold before anything is started; each failure is a sentence that helps.

Owns looking at the machine: folders, disk, ports, the catalogue. What only shows when it is tried (the database, Ray, a
model) is told by the step that tries it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import socket
import tempfile
from pathlib import Path

import psutil

from actors import processes
from actors.cluster import reachable
from actors.local_ray import OBJECT_STORE_BYTES
from delegator.endpoints import endpoints_of
from delegator.errors import SettingsInvalid, StartFailed
from delegator.roles import Catalogue
from delegator.settings import GB, Settings
from serve_app.lifecycle.home import Home
from serve_app.lifecycle.memory import all_bytes

NEEDED_DISK_BYTES = 1 * GB
"""Free disk without which nothing is started: the database and Ray both fail badly on a full disk."""

SHM = Path("/dev/shm")  # noqa: S108 - the kernel's shared memory, not a temporary file
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def prepare_home(home: Home) -> None:
    """Make the home folder, and see that we can write there.

    Raises:
        StartFailed: we cannot.
    """
    advice = "Choose another folder: DELEGATOR_HOME=/path delegator up"
    try:
        home.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=home.path):
            pass
    except OSError as exc:
        raise StartFailed("Delegator", f"its home {home.path} cannot be written: {exc.strerror}", advice) from exc


def check(settings: Settings, home: Home, catalogue: Catalogue) -> list[str]:
    """Look for what would make the start fail, and return what the user should know all the same.

    Raises:
        StartFailed: with what is in the way and what would help.
        SettingsInvalid: the host is none of this machine's.
    """
    _check_disk(home.path)
    if settings.ray_address is None:  # a Ray that is joined may serve on that port already
        check_api_port(settings)
        if settings.ray_port:
            check_port("Ray", "127.0.0.1", settings.ray_port, option="DELEGATOR_RAY_PORT")
    if settings.ray_address not in (None, "auto") and not reachable(str(settings.ray_address)):
        problem = f"nothing answers at {settings.ray_address}"
        raise StartFailed("the connection to Ray", problem, "Is Ray running there?")
    found = [_open_to_others(settings), _small_shared_memory(), _too_much_memory(settings)]
    return [notice for notice in found if notice] + too_large(catalogue, settings.memory)


def check_api_port(settings: Settings) -> None:
    """See that the API can listen where the settings say; errors as with `check_port`."""
    check_port("the API", settings.host, settings.port, option="--port")


def check_port(part: str, host: str, port: int, *, option: str) -> None:
    """See that `part` can listen on a port.

    Args:
        part: who wants to.
        host: address to listen on.
        port: the port.
        option: how the user chooses another one.

    Raises:
        StartFailed: somebody else listens there, and who; or it takes more rights.
        SettingsInvalid: the host is none of this machine's.
    """
    problem = port_problem(host, port)
    if problem is None:
        return
    if problem == errno.EADDRINUSE:
        other = f"{option} {free_port(host, after=port)}"
        raise StartFailed(
            part, f"port {port} is used by {port_user(port)}", f"End that program, or take a free port: {other}"
        )
    if problem == errno.EACCES:
        raise StartFailed(part, f"port {port} is not for ordinary users", f"Choose one above 1023: {option} 8000")
    raise SettingsInvalid("host", host, "is no address of this machine", "127.0.0.1 is always right.")


def port_problem(host: str, port: int) -> int | None:
    """Return the error number of trying to listen there; None when one can."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(address)
    except socket.gaierror:
        return errno.EADDRNOTAVAIL
    except OSError as exc:
        return exc.errno
    return None


def port_user(port: int) -> str:
    """Return who listens on a port: program and process id, where the system tells."""
    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.laddr[1:2] == (port,)
            if listens and connection.pid:
                process = psutil.Process(connection.pid)
                return f"{processes.title(process)} (pid {connection.pid}, {process.username()})"
    return "another program"


def free_port(host: str, *, after: int) -> int:
    """Return the next port on which one can listen."""
    return next((port for port in range(after + 1, 65_536) if port_problem(host, port) is None), 0)


def too_large(catalogue: Catalogue, memory_bytes: int | None) -> list[str]:
    """Return a sentence for each model that can never fit into the memory for models."""
    if memory_bytes is None:
        return []
    sentences = []
    for name in dict.fromkeys(role.model for role in catalogue.roles.values()):
        needed = catalogue.models[name].memory_bytes
        if needed > memory_bytes:
            roles = ", ".join(role.name for role in catalogue.roles.values() if role.model == name)
            have = f"{memory_bytes / GB:.1f} GB for models"
            sentences.append(f"{name} ({roles}) needs {needed / GB:.1f} GB and there are {have}")
    return sentences


def _check_disk(path: Path) -> None:
    for folder in dict.fromkeys((path, Path(tempfile.gettempdir()))):
        free = shutil.disk_usage(folder).free
        if free < NEEDED_DISK_BYTES:
            problem = f"{folder} has {free / GB:.2f} GB left on its disk, and 1 GB is needed"
            raise StartFailed("Delegator", problem, "Make room, or choose another DELEGATOR_HOME.")


def _open_to_others(settings: Settings) -> str | None:
    if settings.host in LOOPBACK:
        return None
    return f"whoever reaches {settings.host}:{settings.port} may use Delegator: it asks nobody who they are"


def _small_shared_memory() -> str | None:
    if not SHM.is_dir() or shutil.disk_usage(SHM).free >= OBJECT_STORE_BYTES:
        return None
    where = "docker run --shm-size=256m" if Path("/.dockerenv").exists() else "mount -o remount,size=256m /dev/shm"
    return f"{SHM} has less than {OBJECT_STORE_BYTES // 10**6} MB free, so Ray uses files, more slowly ({where})"


def _too_much_memory(settings: Settings) -> str | None:
    here = sum(endpoint.memory_bytes or 0 for endpoint in endpoints_of(settings) if endpoint.local)
    given = max(settings.memory or 0, here)
    if settings.models == "simulated" or given <= all_bytes():
        return None
    return f"{given / GB:.1f} GB are given to models, and this machine has {all_bytes() / GB:.1f} GB"


def writable(path: Path) -> bool:
    """Return whether a folder, or the nearest one above it that exists, can be written."""
    while not path.exists():
        path = path.parent
    return os.access(path, os.W_OK | os.X_OK)
