"""Root cannot run PostgreSQL: who does instead, and what of root's folders he gets to see."""

from __future__ import annotations

import os
import pwd
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from delegator.store.embedded import EmbeddedPostgres
from delegator.store.embedded_user import SYSTEM_USER, ServerUser, server_user

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to hand the server to somebody else")

LOOK = "import os, sys; os.setgid(65534); os.setuid(int(sys.argv[1])); os.stat(sys.argv[2])"


def can_reach(uid: int, path: Path) -> bool:
    done = subprocess.run([sys.executable, "-c", LOOK, str(uid), str(path)], stderr=subprocess.DEVNULL, timeout=30)
    return done.returncode == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="for ordinary users")
def test_an_ordinary_user_runs_it_himself(folder: Path) -> None:
    assert server_user(folder / "pg") == ServerUser()


@as_root
def test_for_root_a_system_user_runs_it(folder: Path) -> None:
    user = server_user(folder / "pg")

    entry = pwd.getpwnam(SYSTEM_USER)
    assert user == ServerUser(entry.pw_uid, entry.pw_gid)


@as_root
def test_for_root_the_owner_of_the_data_goes_on_running_it(folder: Path) -> None:
    (folder / "pg").mkdir()
    os.chown(folder / "pg", 65534, 65534)

    assert server_user(folder / "pg") == ServerUser(65534, 65534)


@as_root
def test_roots_closed_home_stays_closed_to_all_but_the_server(folder: Path) -> None:
    home = folder / "root"
    home.mkdir(mode=0o700)
    secret = home / "secret"
    secret.write_text("mine")
    server = EmbeddedPostgres(home / ".delegator" / "pg")
    try:
        server.ensure_running()

        mode = stat.S_IMODE(home.stat().st_mode)
        assert mode & 0o007 == 0
        uid = pwd.getpwnam(SYSTEM_USER).pw_uid
        assert can_reach(uid, server.data_dir)
        assert not can_reach(65534, secret)
    finally:
        server.stop()


@as_root
def test_a_folder_closed_again_since_is_opened_again_for_the_server(folder: Path) -> None:
    home = folder / "root"
    home.mkdir(mode=0o700)
    inside = home / "inside"
    inside.write_text("")
    user = server_user(home / "pg")
    user.open_way_to(home / "pg")
    home.chmod(0o700)  # empties the mask of the access entries, and keeps the entries
    assert not can_reach(user.owner, inside)

    user.open_way_to(home / "pg")

    assert can_reach(user.owner, inside)


@as_root
def test_a_second_start_changes_no_folder_again(folder: Path) -> None:
    user = server_user(folder / "pg")
    user.open_way_to(folder / "pg")
    before = os.getxattr(folder, "system.posix_acl_access") if sys.platform == "linux" else b""
    changed_at = folder.stat().st_ctime_ns

    user.open_way_to(folder / "pg")

    after = os.getxattr(folder, "system.posix_acl_access") if sys.platform == "linux" else b""
    assert (after, folder.stat().st_ctime_ns) == (before, changed_at)


@as_root
def test_an_ordinary_user_gets_a_server_of_his_own(folder: Path) -> None:
    """Played by root, who becomes the nobody user before he starts and stops a server."""
    (folder / "home").mkdir()
    os.chown(folder / "home", 65534, 65534)
    folder.chmod(0o711)
    program = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "import psutil, psycopg\n"
        "from delegator.store.embedded import EmbeddedPostgres\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "server = EmbeddedPostgres(Path(sys.argv[1]))\n"
        "url = server.ensure_running()\n"
        "with psycopg.connect(url.replace('+psycopg', '')) as connection:\n"
        "    print(connection.execute('SELECT 1').fetchone()[0])\n"
        "server.stop(); print(server.running())\n"
    )
    command = [sys.executable, "-c", program, str(folder / "home" / "pg")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)

    assert (done.stdout, done.stderr) == ("1\nFalse\n", "")
    assert (folder / "home" / "pg").stat().st_uid == 65534
