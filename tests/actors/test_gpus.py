"""What drivers say of graphics processors, and what is made of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from actors.gpus import Gpu, gpus

MIB, GIB = 2**20, 2**30


def nvidia(folder: Path, answer: str) -> None:
    """Put a program of that name there, which gives that answer to the right question alone."""
    program = folder / "nvidia-smi"
    right = "--query-gpu=memory.total,memory.used,utilization.gpu --format=csv,noheader,nounits"
    program.write_text(f'#!/bin/sh\n[ "$*" = "{right}" ] || exit 1\nprintf "{answer}"\n', encoding="ascii")
    program.chmod(0o755)


@pytest.fixture(autouse=True)
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the only folder in which programs are found."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_nvidia_tells_memory_and_how_busy_each_is(programs: Path) -> None:
    nvidia(programs, "24564, 1024, 37\\n12282, 2, 0\\n")

    assert gpus(programs / "none") == [Gpu(24564 * MIB, 1024 * MIB, 0.37), Gpu(12282 * MIB, 2 * MIB, 0.0)]


def test_what_the_driver_does_not_tell_is_not_made_up(programs: Path) -> None:
    nvidia(programs, "24564, 1024, [N/A]\\n[N/A], [N/A], 5\\nno devices were found\\n")

    assert gpus(programs / "none") == [Gpu(24564 * MIB, 1024 * MIB, None)]


@pytest.mark.parametrize("busy", ["42\n", None])
def test_amd_tells_in_files_and_integrated_ones_count_nothing(programs: Path, busy: str | None) -> None:
    for number, size in enumerate((16 * GIB, GIB)):
        card = programs / f"card{number}" / "device"
        card.mkdir(parents=True)
        (card / "mem_info_vram_total").write_text(f"{size}\n", encoding="ascii")
        (card / "mem_info_vram_used").write_text(f"{3 * GIB}\n", encoding="ascii")
        if busy is not None:
            (card / "gpu_busy_percent").write_text(busy, encoding="ascii")

    assert gpus(programs) == [Gpu(16 * GIB, 3 * GIB, None if busy is None else 0.42)]


def test_a_machine_without_any_has_none(programs: Path) -> None:
    assert gpus(programs) == []
