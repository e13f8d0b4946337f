"""How much memory models get: as given, else what the graphics processors or the machine have."""

from __future__ import annotations

from pathlib import Path

import pytest

from actors.gpus import gpu_bytes
from delegator.settings import GB, Settings
from serve_app.lifecycle import memory
from serve_app.lifecycle.memory import GPU_RESERVE, machine_bytes, memory_for_models

MIB = 2**20


def nvidia(folder: Path, script: str) -> None:
    """Put a program of that name there, which answers as the script says."""
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="ascii")
    program.chmod(0o755)


def amd(cards: Path, number: int, text: str) -> None:
    told = cards / f"card{number}" / "device" / "mem_info_vram_total"
    told.parent.mkdir(parents=True)
    told.write_text(text, encoding="ascii")


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the only folder in which programs are found."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_the_memory_of_all_nvidia_processors_counts(programs: Path, tmp_path: Path) -> None:
    nvidia(programs, "echo 24564\necho 12282")

    assert gpu_bytes(tmp_path / "none") == (24564 + 12282) * MIB


@pytest.mark.parametrize("script", ["exit 9", "echo 'No devices were found'", "echo '[N/A]'", "echo ''"])
def test_a_driver_that_does_not_tell_counts_nothing(programs: Path, tmp_path: Path, script: str) -> None:
    nvidia(programs, script)

    assert gpu_bytes(tmp_path / "none") == 0


def test_discrete_amd_processors_count_and_integrated_ones_do_not(programs: Path, tmp_path: Path) -> None:
    cards = tmp_path / "drm"
    amd(cards, 0, f"{16 * 2**30}\n")
    amd(cards, 1, f"{512 * MIB}\n")
    amd(cards, 2, "unknown\n")

    assert gpu_bytes(cards) == 16 * 2**30


def test_a_machine_without_graphics_processors_has_none(programs: Path, tmp_path: Path) -> None:
    assert gpu_bytes(tmp_path / "none") == 0


def test_models_get_what_is_given_before_anything_else(programs: Path) -> None:
    nvidia(programs, "echo 24564")

    assert memory_for_models(Settings(memory=7 * GB), simulated=False) == 7 * GB


def test_models_get_the_graphics_processors_less_a_reserve(programs: Path) -> None:
    nvidia(programs, "echo 24564")

    assert memory_for_models(Settings(), simulated=False) == round(24564 * MIB * (1 - GPU_RESERVE))


def test_graphics_processors_here_say_nothing_about_an_ollama_elsewhere(programs: Path) -> None:
    nvidia(programs, "echo 24564")
    elsewhere = Settings(ollama_url=["http://10.0.0.7:11434"], memory_reserve=0)

    assert memory_for_models(elsewhere, simulated=False) == machine_bytes()


def test_without_graphics_processors_models_get_the_machine_less_the_reserve(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "gpu_bytes", lambda: 0)

    assert memory_for_models(Settings(memory_reserve=GB), simulated=False) == machine_bytes() - GB
