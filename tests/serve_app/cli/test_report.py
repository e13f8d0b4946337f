"""`delegator report`: all pages are fetched, the files are whole, and wrong places are told."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from delegator import schemas as s
from serve_app.cli.report import PAGE
from tests.serve_app.cli.conftest import Ended
from tests.serve_app.report.test_report import figures, session
from tests.serve_app.samples import CannedBackend


@pytest.fixture
def past(backend: CannedBackend) -> list[s.HistorySession]:
    """A history of two and a half pages."""
    sessions = [session(number) for number in range(2 * PAGE + PAGE // 2)]

    def history(request: s.SessionHistoryRequest) -> s.SessionHistoryReply:
        begin = (request.page - 1) * request.page_size
        return s.SessionHistoryReply(
            sessions=sessions[begin : begin + request.page_size],
            total_sessions=len(sessions),
            page=request.page,
            pages=math.ceil(len(sessions) / request.page_size),
        )

    backend.answers |= {"session_history": history, "statistics": figures()}
    return sessions


def test_the_page_and_the_table_are_written(
    online: Callable[..., Ended], past: list[s.HistorySession], tmp_path: Path
) -> None:
    ended = online("report", "--from", "2026-01-01", "--to", "2026-01-03", "--csv", "sessions.csv")

    assert ended.code == 0, ended.err
    assert "delegator-report-2026-01-01-2026-01-03.html" in ended.out
    assert "<svg" in (tmp_path / "delegator-report-2026-01-01-2026-01-03.html").read_text()
    with (tmp_path / "sessions.csv").open(newline="") as file:
        assert [row["session_id"] for row in csv.DictReader(file)] == [one.session_id for one in past]
    assert not list(tmp_path.glob(".*.part"))


def test_json_names_the_files(online: Callable[..., Ended], past: list[s.HistorySession]) -> None:
    ended = online("report", "--from", "2026-01-01", "--html", "page.html", "--json")

    assert ended.json == {
        "from": "2026-01-01",
        "to": "2026-01-03",
        "html": "page.html",
        "csv": None,
        "sessions": len(past),
    }


@pytest.mark.usefixtures("past")
def test_the_days_are_asked_for_as_they_were_given(online: Callable[..., Ended], backend: CannedBackend) -> None:
    online("report", "--from", "2026-01-01", "--to", "2026-01-03", "--html", "page.html")

    assert backend.asked[0] == (
        "statistics",
        s.StatisticsRequest.model_validate({"from": "2026-01-01", "to": "2026-01-03"}),
    )


@pytest.mark.usefixtures("past")
@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--html", "no/such/folder/page.html"), "--html"),
        (("--html", "page.html", "--csv", "no/such/folder/x.csv"), "--csv"),
        (("--html", "."), "--html"),
        (("--html", "/"), "--html"),
        (("--html", ""), "--html"),
        (("--html", "there.txt/page.html"), "--html"),
        (("--html", "x" * 300), "--html"),
        (("--html", "pipe"), "no ordinary file"),
        (("--csv", "."), "--csv"),
        (("--csv", "y" * 300), "--csv"),
        (("--html", "same", "--csv", "./same"), "--csv"),
        (("--from", "yesterday"), "YYYY-MM-DD"),
        (("--from", "2026-01-03", "--to", "2026-01-01"), "not later"),
    ],
)
def test_what_cannot_be_written_or_read_is_told(
    online: Callable[..., Ended], backend: CannedBackend, options: tuple[str, ...], told: str, tmp_path: Path
) -> None:
    (tmp_path / "there.txt").write_text("kept")
    os.mkfifo(tmp_path / "pipe")
    ended = online("report", "--json", *options)

    assert ended.code == 2
    error = ended.json["error"]
    assert error["code"] == "invalid_input"
    assert told in error["message"]
    assert backend.asked == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pipe", "there.txt"]
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.usefixtures("past")
def test_a_name_as_long_as_the_disk_allows_is_written(online: Callable[..., Ended], tmp_path: Path) -> None:
    ended = online("report", "--html", "x" * 255)

    assert ended.code == 0, ended.err
    assert [path.name for path in tmp_path.iterdir()] == ["x" * 255]
