"""The life of the embedded server: started, found, stopped, killed, damaged, refused."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg
import pytest

from delegator.errors import StartFailed
from delegator.store import embedded as embedded_module
from delegator.store.embedded import EmbeddedPostgres
from delegator.store.embedded_process import wait_until
from tests.fixtures_store import copy_data, libpq

START = """
import sys
from pathlib import Path
from delegator.store.embedded import EmbeddedPostgres
print(EmbeddedPostgres(Path(sys.argv[1])).ensure_running())
"""

STOP = START.replace("print(", "").replace(".ensure_running())", ".stop()")


def in_another_process(program: str, folder: Path, **environment: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", "-c", program, str(folder)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=os.environ | environment)


def ask(url: str, statement: str) -> object:
    with psycopg.connect(libpq(url), autocommit=True) as connection:
        row = connection.execute(statement).fetchone()
    return None if row is None else row[0]


def write(url: str, statement: str) -> None:
    with psycopg.connect(libpq(url), autocommit=True) as connection:
        connection.execute(statement)


def processes_of(folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["name"]):
        with contextlib.suppress(psutil.Error):
            if process.info["name"] == "postgres" and alive(process) and process.cwd() == str(folder):
                found.append(process)
    return found


def postmaster(folder: Path) -> psutil.Process:
    return psutil.Process(int((folder / "postmaster.pid").read_text().split()[0]))


def alive(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE
    return False


def own_bytes(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.NoSuchProcess):  # the process of a connection that is just closing
        return int(process.memory_full_info().uss)
    return 0


def kill(process: psutil.Process) -> None:
    process.kill()
    assert wait_until(lambda: not alive(process), deadline_s=10)


def test_it_starts_is_found_and_stops(embedded: EmbeddedPostgres) -> None:
    shutil.rmtree(embedded.data_dir)
    assert not embedded.running()
    url = embedded.ensure_running()

    assert embedded.running()
    assert EmbeddedPostgres(embedded.data_dir).ensure_running() == url
    assert ask(url, "SELECT current_database()") == "delegator"

    embedded.stop()
    assert not embedded.running()
    assert processes_of(embedded.data_dir) == []
    embedded.stop()


def test_what_was_stored_is_there_after_a_restart(embedded: EmbeddedPostgres) -> None:
    write(embedded.ensure_running(), "CREATE TABLE kept AS SELECT 'läuft' AS word")
    embedded.stop()

    assert ask(embedded.ensure_running(), "SELECT word FROM kept") == "läuft"


def test_it_outlives_its_starter_and_another_process_stops_it(embedded: EmbeddedPostgres) -> None:
    starter = in_another_process(START, embedded.data_dir, DELEGATOR_INSTANCE="the-instance", PGDATABASE="elsewhere")
    out, err = starter.communicate(timeout=60)

    assert (err, starter.returncode) == ("", 0)
    assert ask(out.strip(), "SELECT 1") == 1
    # Its children write their titles over theirs.
    assert postmaster(embedded.data_dir).environ()["DELEGATOR_INSTANCE"] == "the-instance"

    stopper = in_another_process(STOP, embedded.data_dir)
    assert stopper.communicate(timeout=60) == ("", "")
    assert processes_of(embedded.data_dir) == []


def test_its_terminal_may_be_closed(embedded: EmbeddedPostgres) -> None:
    """The server is in a session of its own: Ctrl-C and a hang-up of the starter's terminal do not reach it."""
    embedded.ensure_running()

    assert os.getsid(postmaster(embedded.data_dir).pid) != os.getsid(0)


def test_several_processes_start_one_server(embedded: EmbeddedPostgres) -> None:
    shutil.rmtree(embedded.data_dir)
    starters = [in_another_process(START, embedded.data_dir) for _ in range(4)]
    ended = [starter.communicate(timeout=90) for starter in starters]

    assert ended == [(f"{embedded.ensure_running()}\n", "")] * 4


def test_after_a_kill_it_comes_back_with_all_that_was_committed(embedded: EmbeddedPostgres) -> None:
    url = embedded.ensure_running()
    write(url, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
    kill(postmaster(embedded.data_dir))

    assert ask(embedded.ensure_running(), "SELECT count(*) FROM kept") == 1_000


def test_stopping_after_a_kill_leaves_nothing(embedded: EmbeddedPostgres) -> None:
    embedded.ensure_running()
    kill(postmaster(embedded.data_dir))

    embedded.stop()

    assert processes_of(embedded.data_dir) == []
    assert not (embedded.data_dir / "postmaster.pid").exists()


def test_a_stopped_server_that_hangs_is_ended_hard(embedded: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    for patience in ("FAST_S", "HARD_S"):
        monkeypatch.setattr(f"delegator.store.embedded_process.{patience}", 0.3)
    embedded.ensure_running()
    postmaster(embedded.data_dir).send_signal(signal.SIGSTOP)

    embedded.stop()

    assert wait_until(lambda: processes_of(embedded.data_dir) == [], deadline_s=10)


def test_a_pid_file_that_names_another_program_is_no_server(embedded: EmbeddedPostgres) -> None:
    """After a crash of the machine the number may belong to anybody; he must not be stopped, nor block the start."""
    embedded.ensure_running()
    noted = (embedded.data_dir / "postmaster.pid").read_text().splitlines()
    embedded.stop()
    with subprocess.Popen(["sleep", "600"]) as other:
        stale = "\n".join([str(other.pid), *noted[1:]]) + "\n"
        (embedded.data_dir / "postmaster.pid").write_text(stale)

        embedded.stop()
        assert other.poll() is None
        (embedded.data_dir / "postmaster.pid").write_text(stale)
        assert not embedded.running()
        assert ask(embedded.ensure_running(), "SELECT 1") == 1
        assert other.poll() is None
        other.terminate()


def test_a_removed_data_folder_begins_anew(embedded: EmbeddedPostgres) -> None:
    write(embedded.ensure_running(), "CREATE TABLE old ()")
    old = processes_of(embedded.data_dir)
    shutil.rmtree(embedded.data_dir)

    assert ask(embedded.ensure_running(), "SELECT to_regclass('old')") is None
    assert not {process.pid for process in old} & {process.pid for process in psutil.process_iter() if alive(process)}


def test_a_half_made_data_folder_is_made_again(embedded: EmbeddedPostgres) -> None:
    shutil.rmtree(embedded.data_dir)
    leftover = embedded.data_dir.parent / ".pg.new"
    leftover.mkdir()
    (leftover / "PG_VERSION").write_text("18\n")

    assert ask(embedded.ensure_running(), "SELECT 1") == 1
    assert not leftover.exists()


@pytest.mark.parametrize(
    "name", ["with a space, a 'quote' and a \"double\" one", "ünï¢ode", "x" * 200, "a%20b&c=d?e#f"]
)
def test_the_path_may_be_anything(folder: Path, made_data_dir: Path, name: str) -> None:
    server = EmbeddedPostgres(folder / name / "pg")
    server.data_dir.parent.mkdir()
    copy_data(made_data_dir, server.data_dir)
    try:
        url = server.ensure_running()

        assert ask(url, "SELECT current_setting('data_directory')") == str(server.data_dir)
        assert server.running()
        socket_dir = Path(str(ask(url, "SHOW unix_socket_directories")).strip('"'))
    finally:
        server.stop()
    assert processes_of(server.data_dir) == []
    assert socket_dir == server.data_dir or not socket_dir.exists()


def test_nobody_else_can_reach_it(embedded: EmbeddedPostgres) -> None:
    """No port, and the socket lies in a folder that only its user can enter."""
    embedded.ensure_running()

    assert postmaster(embedded.data_dir).net_connections("inet") == []
    assert embedded.data_dir.stat().st_mode & 0o077 == 0


def test_it_is_small_and_durable(embedded: EmbeddedPostgres) -> None:
    url = embedded.ensure_running()

    wanted = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "shared_buffers": "32MB"}
    assert {name: ask(url, f"SHOW {name}") for name in wanted} == wanted
    assert ask(url, "SHOW max_connections") == "100"
    lasting = [postmaster(embedded.data_dir), *postmaster(embedded.data_dir).children()]
    assert sum(own_bytes(process) for process in lasting) < 60_000_000


def test_its_log_holds_no_words_of_users(embedded: EmbeddedPostgres) -> None:
    url = embedded.ensure_running()
    with pytest.raises(psycopg.Error):
        ask(url, "SELECT 'my s3cret task' FROM nowhere")

    assert "s3cret" not in embedded.log_path.read_text()


def not_empty(folder: Path) -> None:
    shutil.rmtree(folder / "pg")
    (folder / "pg").mkdir()
    (folder / "pg" / "thesis.txt").write_text("precious")


def a_file(folder: Path) -> None:
    shutil.rmtree(folder / "pg")
    (folder / "pg").write_text("a file")


def data_in(data_dir: Path) -> set[Path]:
    """The files that matter: not the log, nor what a killed server left of itself."""
    passing = (".s.", "server.log", "postmaster.", "mmap.")
    return {path for path in data_dir.rglob("*") if not path.name.startswith(passing)}


def other_version(folder: Path) -> None:
    (folder / "pg" / "PG_VERSION").write_text("15\n")


def foreign(folder: Path) -> None:
    (folder / "pg" / "postgresql.conf").write_text("# somebody's own\n")


def no_control_file(folder: Path) -> None:
    (folder / "pg" / "global" / "pg_control").unlink()


def no_log_of_changes(folder: Path) -> None:
    server = EmbeddedPostgres(folder / "pg")
    server.ensure_running()
    kill(postmaster(server.data_dir))
    server.stop()
    for segment in (folder / "pg" / "pg_wal").glob("0*"):
        segment.unlink()


@pytest.mark.parametrize(
    ("damage", "problem", "expected"),
    [
        (not_empty, "holds something else", "Move it away"),
        (a_file, "a file is in the way of", "another DELEGATOR_HOME"),
        (other_version, "was made by PostgreSQL '15', this is 18", "Move it away"),
        (foreign, "belongs to a PostgreSQL that Delegator did not make", "another DELEGATOR_HOME"),
        (no_control_file, "is damaged", "Move the folder away"),
        (no_log_of_changes, "is damaged", "Move the folder away"),
    ],
)
def test_a_folder_that_cannot_be_used_is_explained_and_left_alone(
    embedded: EmbeddedPostgres, damage: Callable[[Path], None], problem: str, expected: str
) -> None:
    folder = embedded.data_dir.parent
    damage(folder)
    before = data_in(folder / "pg")

    with pytest.raises(StartFailed) as failed:
        EmbeddedPostgres(folder / "pg").ensure_running()

    assert failed.value.part == "the embedded PostgreSQL"
    assert problem in failed.value.problem
    assert str(folder / "pg") in failed.value.problem
    assert expected in failed.value.expected
    assert data_in(folder / "pg") == before
    assert processes_of(folder / "pg") == []


def test_a_folder_that_cannot_be_written_is_explained() -> None:
    with pytest.raises(StartFailed) as failed:
        EmbeddedPostgres(Path("/proc/delegator/pg")).ensure_running()

    assert "/proc/delegator/pg" in failed.value.problem
    assert "DELEGATOR_DATABASE_URL" in failed.value.expected


def test_too_little_space_is_explained_before_anything_is_made(
    embedded: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(embedded.data_dir)
    monkeypatch.setattr(embedded_module, "NEEDED_BYTES", 10**18)

    with pytest.raises(StartFailed, match="there is no space left for"):
        embedded.ensure_running()
    assert not embedded.data_dir.exists()


def test_a_missing_wheel_is_explained(embedded: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("delegator.store.embedded_programs.PACKAGE", "no_such_package")

    with pytest.raises(StartFailed, match="no PostgreSQL 18 for this platform") as failed:
        embedded.ensure_running()
    assert "DELEGATOR_DATABASE_URL" in failed.value.expected


def test_stopping_where_nothing_ever_was_is_harmless(folder: Path) -> None:
    EmbeddedPostgres(folder / "nowhere" / "pg").stop()

    assert list(folder.iterdir()) == []
