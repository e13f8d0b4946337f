"""Receipts of the running system: what they rest on, what an ended session keeps, the electricity measured for it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from actors import receipts
from actors.receipts import SessionEnergy, basis_of, receipt_of
from delegator.clock import Clock
from delegator.errors import StoreUnavailable
from delegator.roles.catalogue import load_catalogue
from delegator.schemas import Event, EventKind
from delegator.sessions.energy_meter import Counter, EnergyMeter
from delegator.sessions.verification import differences
from delegator.settings import Settings
from delegator.store.records import NewEvent
from tests.actors.conftest import until
from tests.actors.manager_on_fakes import ManagerOnFakes
from tests.delegator.store.make import NOON, a_session, later

SESSION = a_session(simulated=False, clock_scale=1.0)
ENDED = replace(SESSION, ended_at=later(60))
LOG = [
    Event(event_id=7, at=NOON, kind=EventKind.SESSION_CREATED, session_id="session_1"),
    Event(
        event_id=9,
        at=NOON,
        kind=EventKind.MODEL_HELD,
        session_id="session_1",
        model="qwen2.5:14b",
        data={"bytes": 11_000_000_000, "measured": True, "endpoint": "ollama"},
    ),
]
CLOSING = [
    NewEvent(
        kind=EventKind.SESSION_ENDED,
        at=later(60),
        session_id="session_1",
        data={"energy": {"joules": 7200.0, "machine_joules": 9000.0, "counters": ["package-0"]}},
    )
]


def parts(log: list[Event], **settings: Any) -> Any:
    """Return as much of a running system as receipts look at."""

    async def session_events(session_id: str) -> list[Event]:
        return [event for event in log if event.session_id == session_id]

    return SimpleNamespace(
        settings=Settings.model_validate(settings),
        catalogue=load_catalogue("echo"),
        recorder=SimpleNamespace(sizes={"qwen2.5:14b": 11_000_000_000}),
        clock=Clock(1.0),
        store=SimpleNamespace(session_events=session_events),
    )


# ── what a receipt rests on ───────────────────────────────────────────────────────────────────────────────────────


def test_the_basis_names_every_model_once_with_the_size_that_is_known() -> None:
    system = parts([])

    basis = basis_of(system, SESSION, last_event_id=3)

    assert [model.model for model in basis.models] == list(system.catalogue.models)
    assert {model.model for model in basis.models if model.measured} == {"qwen2.5:14b"}
    baseline = sum(model.bytes for model in basis.models if model.in_baseline)
    known = 11_000_000_000 - system.catalogue.models["qwen2.5:14b"].memory_bytes
    assert baseline == system.catalogue.baseline_bytes + known
    assert (basis.agents_total, basis.last_event_id, basis.final) == (9, 3, False)


def test_the_basis_carries_the_prices_and_the_power_that_are_set() -> None:
    system = parts([], prices={"currency": "CHF", "per_kwh": 0.4}, power={"watts_computing": 300})

    basis = basis_of(system, SESSION, last_event_id=0)

    assert (basis.prices.currency, basis.prices.per_kwh, basis.power.watts_computing) == ("CHF", 0.4, 300)
    assert type(basis.prices).__name__ == "PriceList", "as the vocabulary has it, so that two receipts compare"


# ── what an ended session keeps ───────────────────────────────────────────────────────────────────────────────────


async def test_a_receipt_made_with_the_end_agrees_with_the_log_that_holds_the_end() -> None:
    made = await receipt_of(parts(LOG), ENDED, closing=CLOSING)

    end = Event(event_id=11, at=later(60), kind=EventKind.SESSION_ENDED, session_id="session_1", data=CLOSING[0].data)
    assert made.electricity is not None
    assert (made.electricity.source, made.electricity.watt_hours) == ("measured", 2)
    assert differences(made, [*LOG, end]) == []
    assert differences(made, LOG), "without the end the measurement is missing"


async def test_an_ended_session_keeps_its_receipt_though_prices_change() -> None:
    made = await receipt_of(parts(LOG), ENDED, closing=CLOSING)
    stored = replace(ENDED, resources_used=made.model_dump(mode="json"))

    again = await receipt_of(parts(LOG, prices={"per_kwh": 99}), stored)

    assert again.model_dump(mode="json") == made.model_dump(mode="json")


async def test_a_session_that_ended_with_a_receipt_of_the_former_form_gets_a_whole_one() -> None:
    former = {"gb_seconds": 660.0, "all_roles_gb_seconds": 4000.0}

    made = await receipt_of(parts(LOG), replace(ENDED, resources_used=former))

    assert (made.final, made.gb_seconds, made.money is None) == (True, 660, False)
    assert differences(made, LOG) == []


async def test_an_open_session_has_a_receipt_up_to_now() -> None:
    made = await receipt_of(parts(LOG), SESSION)

    assert not made.final
    assert made.electricity is not None
    assert made.electricity.source == "modelled"
    assert (
        differences(made, [*LOG, Event(event_id=12, at=NOON, kind=EventKind.TURN_COMPLETED, session_id="session_1")])
        == []
    )


# ── electricity ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def counter(tmp_path: Path) -> Counter:
    """A counter that stands at zero, and that counts what is written to its file."""
    file = tmp_path / "energy_uj"
    file.write_text("0")
    return Counter("package-0", file, 10**12)


class NotedMeter(EnergyMeter):
    """A meter that remembers what it was told."""

    def __init__(self, counters: Sequence[Counter]) -> None:
        super().__init__(counters)
        self.told: list[str] = []

    def begin(self, session_id: str) -> None:
        self.told.append("begin")
        super().begin(session_id)

    def leave(self, session_id: str) -> None:
        self.told.append("leave")
        super().leave(session_id)


@pytest.fixture
def meter(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> NotedMeter:
    """The meter of every manager that is made from now on."""
    meter = NotedMeter([counter])
    monkeypatch.setattr(SessionEnergy, "of", lambda _settings: SessionEnergy(meter))
    return meter


async def test_the_event_that_ends_a_session_carries_what_was_measured(counter: Counter, meter: NotedMeter) -> None:
    manager = ManagerOnFakes()
    session = await manager.created()
    counter.file.write_text("5000000")

    reply = await manager.end(session)

    (*_, events) = manager.store.args_of("end_session")[0]
    assert events[-1].data["energy"] == {"joules": 5.0, "machine_joules": 5.0, "counters": ["package-0"]}
    assert reply.receipt.electricity is not None
    assert reply.receipt.electricity.source == "modelled", "simulated models draw no power: the model stands"
    assert not meter.is_running


async def test_a_session_that_could_not_be_opened_takes_no_part_any_more(meter: NotedMeter) -> None:
    manager = ManagerOnFakes()
    manager.store.down = True

    with pytest.raises(StoreUnavailable):
        await manager.created()

    assert meter.told == ["begin", "leave"]
    assert not meter.is_running


async def test_the_counters_are_looked_at_again_and_again_while_a_session_is_open(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipts, "LOOK_EVERY_S", 0.001)
    looks = 0

    class Watched(EnergyMeter):
        def look(self) -> None:
            nonlocal looks
            looks += 1
            super().look()

    energy = SessionEnergy(Watched([counter]))
    energy.begin("a")
    await until(lambda: looks > 3)

    energy.leave("a")
    await until(lambda: energy._next is None)


@pytest.mark.parametrize(
    ("settings", "measured"),
    [
        ({"models": "ollama"}, True),
        ({"models": "ollama", "ollama_url": "http://localhost:11434,http://127.0.0.2:1"}, True),
        ({"models": "ollama", "ollama_url": "http://127.0.0.1:11434,http://elsewhere:11434"}, False),
        ({"models": "ollama", "endpoints": [{"url": "http://127.0.0.1:11434", "node": "other"}]}, False),
        ({"models": "simulated"}, False),
    ],
)
async def test_only_real_models_on_this_machine_are_measured(
    settings: dict[str, Any], measured: bool, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipts, "find_counters", lambda: (counter,))

    energy = SessionEnergy.of(Settings.model_validate(settings))
    energy.begin("a")

    assert bool(energy.measured("a")) is measured
    energy.leave("a")


async def test_sessions_side_by_side_share_what_is_counted(counter: Counter) -> None:
    energy = SessionEnergy(EnergyMeter([counter]))
    energy.begin("a")
    energy.begin("b")
    await asyncio.to_thread(counter.file.write_text, "4000000")

    shares: list[Any] = [energy.measured(name)["energy"] for name in ("a", "b")]

    assert [share["joules"] for share in shares] == [2.0, 2.0]
    energy.leave("a")
    energy.leave("b")


def test_a_receipt_lasts_from_creation_to_end() -> None:
    made = asyncio.run(receipt_of(parts(LOG), ENDED, closing=CLOSING))

    assert made.duration_seconds == timedelta(seconds=60).total_seconds()
