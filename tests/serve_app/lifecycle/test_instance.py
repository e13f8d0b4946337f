"""The note about a running system, and when it is believed."""

from __future__ import annotations

from pathlib import Path

import pytest

from serve_app.lifecycle.instance import read_instance, remove_instance, write_instance
from tests.serve_app.lifecycle.notes import ME, SOMEBODY_LATER, noted


def test_what_was_written_is_read(tmp_path: Path) -> None:
    instance = noted(tmp_path)

    write_instance(instance)

    assert read_instance(tmp_path) == instance
    assert [path.name for path in tmp_path.iterdir()] == ["instance.json"]


def test_the_note_is_for_its_user_alone(tmp_path: Path) -> None:
    write_instance(noted(tmp_path))

    assert (tmp_path / "instance.json").stat().st_mode & 0o777 == 0o600


def test_whether_it_was_found_running_is_not_written(tmp_path: Path) -> None:
    write_instance(noted(tmp_path, already=True))

    assert read_instance(tmp_path) == noted(tmp_path)


@pytest.mark.parametrize("content", ["", "{}", "not json", "[1]", '{"port": "x"}'])
def test_a_note_that_cannot_be_read_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "instance.json").write_text(content)

    assert read_instance(tmp_path) is None


def test_where_nothing_was_started_there_is_no_note(tmp_path: Path) -> None:
    assert read_instance(tmp_path / "nowhere") is None

    remove_instance(tmp_path)


def test_a_process_with_the_same_number_that_started_later_is_another_one(tmp_path: Path) -> None:
    instance = noted(tmp_path, processes={"gcs_server": ME, "raylet": SOMEBODY_LATER})

    assert instance.dead_parts() == ["raylet"]
    assert not instance.ray_lives()


def test_of_a_joined_ray_nothing_is_known_but_its_address(tmp_path: Path) -> None:
    instance = noted(tmp_path, ray_joined=True, processes={"simulator": SOMEBODY_LATER})

    assert instance.ray_lives()
    assert instance.dead_parts() == ["simulator"]
