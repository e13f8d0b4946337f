"""Files are written whole or not at all, and never in the place of what is no file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from delegator.errors import InvalidInput
from serve_app.cli.whole_files import check_place, write_file


def test_a_file_is_written_and_written_over(tmp_path: Path) -> None:
    for text in ("first", "second, longer\n"):
        check_place(tmp_path / "x", "--html")
        write_file(tmp_path / "x", text, "--html")
        assert (tmp_path / "x").read_text() == text

    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_looking_at_a_place_leaves_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("kept")
    check_place(tmp_path / "x", "--html")
    check_place(tmp_path / "y", "--html")

    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("x", "kept")]


def test_what_is_no_file_is_never_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name, why in (("pipe", "no ordinary file"), ("folder", "it is a folder"), ("folder/../none/x", "No such file")):
        for refused in (check_place, lambda path, option: write_file(path, "text", option)):
            with pytest.raises(InvalidInput, match=why):
                refused(tmp_path / name, "--csv")

    assert (tmp_path / "pipe").is_fifo()
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["folder", "pipe"]
