"""The energy meter: which counters count, and that what they count is divided without remainder."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegator.schemas import Event, EventKind
from delegator.sessions.electricity import measured_in
from delegator.sessions.energy_meter import Counter, EnergyMeter, find_counters

RANGE_UJ = 262_143_328_850


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A root folder with the zones of a machine of two packages."""
    for zone, name in (
        ("intel-rapl:0", "package-0"),
        ("intel-rapl:0:0", "core"),
        ("intel-rapl:0:1", "dram"),
        ("intel-rapl:1", "package-1"),
        ("intel-rapl:2", "psys"),
        ("intel-rapl-mmio:0", "package-0"),
    ):
        write(tmp_path, zone, name)
    return tmp_path


def write(root: Path, zone: str, name: str, *, uj: str = "1000") -> None:
    folder = root / "sys/class/powercap" / zone
    folder.mkdir(parents=True)
    (folder / "name").write_text(f"{name}\n")
    (folder / "energy_uj").write_text(f"{uj}\n")
    (folder / "max_energy_range_uj").write_text(f"{RANGE_UJ}\n")


def count(root: Path, zone: str, uj: int) -> None:
    (root / "sys/class/powercap" / zone / "energy_uj").write_text(f"{uj}\n")


def energy(meter: EnergyMeter, session_id: str) -> tuple[float, float]:
    told = meter.measured(session_id)["energy"]
    return told["joules"], told["machine_joules"]


def test_packages_and_their_memory_count_once(machine: Path) -> None:
    assert [counter.name for counter in find_counters(machine)] == [
        "intel-rapl:0 package-0",
        "intel-rapl:0:1 dram",
        "intel-rapl:1 package-1",
    ]


def test_a_machine_without_counters_has_none(tmp_path: Path) -> None:
    assert find_counters(tmp_path) == ()


@pytest.mark.parametrize("device", ["nvidiactl", "kfd"])
def test_a_gpu_that_no_counter_sees_makes_them_useless(machine: Path, device: str) -> None:
    (machine / "dev").mkdir()
    (machine / "dev" / device).touch()

    assert find_counters(machine) == ()


@pytest.mark.parametrize("broken", ["energy_uj", "max_energy_range_uj"])
def test_counters_of_which_one_cannot_be_read_are_none(machine: Path, broken: str) -> None:
    (machine / "sys/class/powercap/intel-rapl:1" / broken).unlink()

    assert find_counters(machine) == ()


def test_a_session_alone_gets_all_that_is_counted(machine: Path) -> None:
    meter = EnergyMeter(find_counters(machine))
    meter.begin("a")
    count(machine, "intel-rapl:0", 5_001_000)
    count(machine, "intel-rapl:1", 2_001_000)

    assert energy(meter, "a") == (7, 7)
    assert meter.measured("a")["energy"]["counters"] == [counter.name for counter in find_counters(machine)]


def test_what_is_counted_before_a_session_begins_is_not_its_own(machine: Path) -> None:
    meter = EnergyMeter(find_counters(machine))
    meter.begin("a")
    count(machine, "intel-rapl:0", 4_001_000)
    meter.begin("b")
    count(machine, "intel-rapl:0", 10_001_000)

    assert (energy(meter, "a"), energy(meter, "b")) == ((7, 10), (3, 6))


def test_a_session_that_left_takes_no_part_any_more(machine: Path) -> None:
    meter = EnergyMeter(find_counters(machine))
    meter.begin("a")
    meter.begin("b")
    meter.leave("b")
    count(machine, "intel-rapl:0", 4_001_000)

    assert energy(meter, "a") == (4, 4)
    assert meter.measured("b") == {}


def test_a_pause_without_sessions_belongs_to_nobody(machine: Path) -> None:
    meter = EnergyMeter(find_counters(machine))
    meter.begin("a")
    meter.leave("a")
    count(machine, "intel-rapl:0", 90_001_000)
    meter.begin("b")

    assert energy(meter, "b") == (0, 0)


def test_a_counter_that_starts_again_goes_on(machine: Path) -> None:
    count(machine, "intel-rapl:0", RANGE_UJ - 1_000_000)
    meter = EnergyMeter(find_counters(machine))
    meter.begin("a")
    count(machine, "intel-rapl:0", 2_000_000)

    assert energy(meter, "a") == (3, 3)


def test_a_session_this_meter_has_not_seen_begin_is_not_measured(machine: Path) -> None:
    assert EnergyMeter(find_counters(machine)).measured("a") == {}


def test_without_counters_nothing_is_measured() -> None:
    meter = EnergyMeter(())
    meter.begin("a")

    assert (meter.is_running, meter.measured("a")) == (False, {})


def test_counters_that_vanish_end_every_measurement(machine: Path) -> None:
    meter = EnergyMeter(find_counters(machine))
    meter.begin("a")
    file = machine / "sys/class/powercap/intel-rapl:0/energy_uj"
    file.unlink()

    assert (meter.measured("a"), meter.is_running) == ({}, False)

    file.write_text("5")
    meter.begin("b")
    assert energy(meter, "b") == (0, 0)


class Dial(Counter):
    """A counter whose hand is set by the test."""

    hand = 0

    def read(self) -> int:
        return Dial.hand


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.integers(0, 10**9)), max_size=30))
def test_the_parts_of_all_sessions_add_up_to_what_was_counted(steps: list[tuple[str, bool, int]]) -> None:
    meter = EnergyMeter([Dial("dial", Path("/dev/null"), RANGE_UJ)])
    Dial.hand = 0
    inside: set[str] = set()
    counted, parts = 0.0, 0.0
    for name, comes, uj in steps:
        Dial.hand += uj
        counted += uj / 1e6 if inside else 0
        if comes:
            meter.begin(name)
            inside.add(name)
        elif name in inside:
            parts += energy(meter, name)[0]
            meter.leave(name)
            inside.discard(name)
    parts += sum(energy(meter, name)[0] for name in inside)

    assert parts == pytest.approx(counted, abs=0.001 * (len(steps) + 1))


def test_what_is_written_is_what_a_receipt_reads(machine: Path) -> None:
    meter = EnergyMeter(find_counters(machine))
    meter.begin("a")
    count(machine, "intel-rapl:0", 5_001_000)
    data = meter.measured("a")
    end = Event(event_id=1, at=datetime.now(UTC), kind=EventKind.SESSION_ENDED, session_id="a", data=data)

    read = measured_in([end])

    assert read is not None
    assert (read.joules, read.machine_joules) == (5, 5)
