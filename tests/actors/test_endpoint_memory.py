"""What the ledger of an endpoint counts, against a simulated Ollama over real HTTP."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from actors.endpoint_memory import EndpointMemory
from actors.host_messages import HostSpec
from actors.outbox import Outbox
from actors.reservations import LedgerOnly
from actors.shelf import Shelf
from delegator.clock import Clock
from delegator.errors import DeadlineExceeded
from delegator.ollama.client import LoadedModel, LoadOptions, OllamaClient
from delegator.ollama.simulator.models import MODELS
from delegator.ollama.simulator.profiles import PROFILES, Gpu
from delegator.ollama.simulator.server import SimulatedHost
from delegator.residency.foreseen import estimated_load_s
from delegator.residency.ledger import Phase
from delegator.residency.planner import Load, Wait, Wish, plan_residency
from delegator.roles.catalogue import Model
from delegator.schemas import EventKind
from delegator.settings import GB, Settings
from delegator.store.records import ModelFactsRecord, NewEvent

SCALE = 200.0
DEADLINE_S = 20.0
KEEP_ALIVE_S = 12_000.0
"""A real minute: nothing goes by itself while a test looks."""

NOON = datetime(2025, 11, 12, 12, tzinfo=UTC)

MISTRAL = Model("mistral:7b", 8192, 9 * GB, (), 0)
SAME = replace(MISTRAL, name="mistral:latest")
LLAMA = Model("llama3.1:8b", 8192, 9 * GB, (), 0)
VARIANT = replace(MODELS["mistral:7b"], name="my-mistral:latest", blob="mistral:7b", manifest="a prompt of its own")
TUNED = replace(VARIANT, name="tuned:latest", manifest="", adapter="tuned")


@dataclass
class Stage:
    """The memory of an endpoint, its simulator, and a client of somebody else's."""

    memory: EndpointMemory
    shelf: Shelf
    simulator: SimulatedHost
    client: OllamaClient
    reservations: LedgerOnly
    outbox: Outbox
    told: list[NewEvent] = field(default_factory=list)

    async def listed(self) -> dict[str, LoadedModel]:
        return {model.name: model for model in await self.client.ps()}

    async def loads_elsewhere(self, name: str, num_ctx: int = 8192, keep_alive_s: float = KEEP_ALIVE_S) -> LoadedModel:
        """Another client loads a model; return it as listed."""
        await self.client.load(name, LoadOptions(num_ctx), keep_alive_s=keep_alive_s, deadline_s=DEADLINE_S)
        return next(model for model in await self.client.ps() if model.num_ctx == num_ctx)

    async def events(self, kind: EventKind) -> list[NewEvent]:
        await self.outbox.flush()
        return [event for event in self.told if event.kind is kind]

    def lie(self, factor: float) -> None:
        """Let `/api/ps` tell sizes that are wrong by a factor."""
        self.simulator.host.faults.clear()
        self.simulator.host.faults.add({"action": "ps_lies", "args": {"factor": factor}})

    @property
    def loads(self) -> int:
        """How often Ollama has loaded a model."""
        return self.simulator.host.log.measures.loads


OnStage = Callable[..., Awaitable[Stage]]


@pytest.fixture
async def on_stage() -> AsyncIterator[OnStage]:
    """Give a function that builds stages; all are closed at the end."""
    async with AsyncExitStack() as stack:

        async def build(
            profile: str = "laptop64",
            *,
            capacity: int = 60 * GB,
            facts: Sequence[ModelFactsRecord] = (),
            **changes: Any,
        ) -> Stage:
            names = ("mistral:7b", "mistral:latest", "llama3.1:8b", "llama3.2:3b", "codellama:13b")
            machine = PROFILES[profile].but(installed=names, also=(VARIANT, TUNED), **changes)
            simulator = await stack.enter_async_context(SimulatedHost(machine, scale=SCALE))
            client = await stack.enter_async_context(OllamaClient(simulator.url, scale=SCALE))
            settings = Settings.load(
                models="simulated",
                ollama_url=simulator.url,
                simulator_scale=SCALE,
                unload_deadline_s=1,
                keep_alive_s=KEEP_ALIVE_S,
            )
            told: list[NewEvent] = []

            async def report(batch: Sequence[NewEvent]) -> None:
                told.extend(batch)

            outbox, shelf, reservations = Outbox("test", report), Shelf(client), LedgerOnly()
            spec = HostSpec("test", simulator.url, capacity, facts=tuple(facts))
            memory = EndpointMemory(spec, settings, Clock(SCALE), client, reservations, shelf, outbox)
            return Stage(memory, shelf, simulator, client, reservations, outbox, told)

        yield build


# ── what a model takes ────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_size_is_the_catalogues_then_an_estimate_then_what_was_measured(on_stage: OnStage) -> None:
    it = await on_stage()
    stated = it.memory.size_of(MISTRAL)
    await it.shelf.look_up([MISTRAL.name])
    estimated = it.memory.size_of(MISTRAL)
    await it.memory.load(MISTRAL, "s1")

    measured = (await it.listed())[MISTRAL.name].size_bytes
    assert stated == MISTRAL.memory_bytes
    assert estimated == 4_370_000_000 + 8192 * 128 * 1024 + 500_000_000
    assert it.memory.size_of(MISTRAL) == measured == pytest.approx(estimated, rel=0.05)
    assert it.memory.size_of(replace(MISTRAL, num_ctx=4096)) == 4_370_000_000 + 4096 * 128 * 1024 + 500_000_000


async def test_what_a_former_life_measured_counts_before_anything_is_asked(on_stage: OnStage) -> None:
    facts = ModelFactsRecord("test", "sha", 8192, 1, MISTRAL.name, 6_200_000_000, 0, 3.25, NOON)
    it = await on_stage(facts=[replace(facts, size_bytes=1), facts])

    assert it.memory.size_of(MISTRAL) == 6_200_000_000
    assert it.memory.load_s(MISTRAL) == 3.25
    assert it.memory.size_of(replace(MISTRAL, num_ctx=4096)) == MISTRAL.memory_bytes


async def test_what_was_measured_of_other_weights_of_that_name_does_not_count(on_stage: OnStage) -> None:
    """The model was pulled anew: its name stands for another file now."""
    facts = ModelFactsRecord("test", "of-last-year", 8192, 1, MISTRAL.name, 6_200_000_000, 0, 3.25, NOON)
    it = await on_stage(facts=[facts])

    await it.memory.read()

    assert it.memory.size_of(MISTRAL) == 4_370_000_000 + 8192 * 128 * 1024 + 500_000_000
    assert it.memory.load_s(MISTRAL) != 3.25


async def test_a_load_that_cannot_be_measured_counts_what_its_file_takes(on_stage: OnStage) -> None:
    """Nobody has asked about the model before its load, and what was loaded cannot be asked."""
    it = await on_stage()
    it.simulator.host.faults.add({"action": "status", "match": {"path": "/api/ps"}, "args": {"code": 500, "body": ""}})

    await it.memory.load(MISTRAL, "s1")

    entry = it.memory.ledger.require(MISTRAL.name)
    assert (entry.size_bytes, entry.measured) == (4_370_000_000 + 8192 * 128 * 1024 + 500_000_000, False)


async def test_a_load_tells_all_that_is_to_be_remembered_of_it(on_stage: OnStage) -> None:
    it = await on_stage()

    load_s = await it.memory.load(MISTRAL, "s1")

    (loaded,) = await it.events(EventKind.MODEL_LOADED)
    found = (await it.listed())[MISTRAL.name]
    assert loaded.data == {
        "endpoint": "test",
        "bytes": found.size_bytes,
        "measured": True,
        "num_ctx": 8192,
        "load_s": round(load_s, 3),
        "was_there": False,
        "evicted": [],
        "gpu_bytes": 0,
        "weights": MODELS["mistral:7b"].weights_digest,
        "parallel": 1,
    }
    assert it.memory.load_s(MISTRAL) == load_s


async def test_taking_over_what_is_loaded_already_takes_no_load_and_teaches_nothing_about_load_times(
    on_stage: OnStage,
) -> None:
    it = await on_stage()
    await it.loads_elsewhere(MISTRAL.name)

    took_s = await it.memory.load(MISTRAL, "s1")

    assert took_s == 0

    (loaded,) = await it.events(EventKind.MODEL_LOADED)
    assert loaded.data["was_there"] is True
    assert it.memory.load_s(MISTRAL) == estimated_load_s(MISTRAL.name, it.memory.size_of(MISTRAL), {})
    assert it.loads == 1


async def test_the_split_between_gpu_and_processor_is_as_measured(on_stage: OnStage) -> None:
    it = await on_stage(gpus=(Gpu(4.0),))

    await it.memory.load(MISTRAL, "s1")

    entry = it.memory.ledger.require(MISTRAL.name)
    found = (await it.listed())[MISTRAL.name]
    assert (entry.size_bytes, entry.gpu_bytes) == (found.size_bytes, found.gpu_bytes)
    assert 0 < entry.gpu_bytes < entry.size_bytes


# ── sizes that are wrong ──────────────────────────────────────────────────────────────────────────────────────────


async def test_a_size_above_what_was_planned_is_counted_by_the_next_plan(on_stage: OnStage) -> None:
    """Both models fit by their estimates, but not by what is measured."""
    it = await on_stage(capacity=round(12.6 * GB))
    await it.shelf.look_up([LLAMA.name, MISTRAL.name])
    assert it.memory.size_of(LLAMA) + it.memory.size_of(MISTRAL) <= 12.6 * GB
    it.lie(1.2)

    await it.memory.load(MISTRAL, "s1")

    entry = it.memory.ledger.require(MISTRAL.name)
    assert entry.measured
    assert entry.size_bytes == pytest.approx(1.2 * 5.9 * GB, rel=0.05)
    wish = Wish(LLAMA.name, it.memory.size_of(LLAMA), "s2", 60 * GB)
    plan = plan_residency(it.memory.ledger.snapshot(), wish)
    assert isinstance(plan, Load)
    assert plan.evict == (MISTRAL.name,)
    entry.turns.add("t")
    assert isinstance(plan_residency(it.memory.ledger.snapshot(), wish), Wait)


@pytest.mark.parametrize("factor", [0.01, 0.3, 4.0])
async def test_a_size_that_cannot_be_is_not_believed_and_said_once(
    on_stage: OnStage, factor: float, caplog: pytest.LogCaptureFixture
) -> None:
    it = await on_stage()
    await it.shelf.look_up([MISTRAL.name])
    estimate = it.memory.size_of(MISTRAL)
    it.lie(factor)

    with caplog.at_level(logging.WARNING):
        await it.memory.load(MISTRAL, "s1")
        await it.memory.compare({MISTRAL.name})

    entry = it.memory.ledger.require(MISTRAL.name)
    told = (await it.listed())[MISTRAL.name].size_bytes
    assert (entry.size_bytes, entry.measured) == (max(told, estimate), False)
    assert it.memory.size_of(MISTRAL) == estimate, "what was not believed is not remembered"
    assert len([record for record in caplog.records if "cannot be" in record.message]) == 1

    it.simulator.host.faults.clear()
    await it.memory.compare({MISTRAL.name})
    assert entry.measured
    assert entry.size_bytes == (await it.listed())[MISTRAL.name].size_bytes


# ── several names of one weight file ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("alias", [SAME.name, VARIANT.name])
async def test_two_names_of_one_weight_file_are_one_model_with_one_reservation(on_stage: OnStage, alias: str) -> None:
    it = await on_stage()
    await it.shelf.look_up([MISTRAL.name, alias])
    await it.memory.load(MISTRAL, "s1")

    assert it.memory.known_as(alias) == MISTRAL.name
    await it.memory.load(replace(MISTRAL, name=alias), "s2")

    assert [entry.model for entry in it.memory.ledger.entries()] == [MISTRAL.name]
    assert await it.reservations.existing() == {MISTRAL.name}
    assert it.loads == 1
    assert it.memory.ledger.snapshot().used_bytes == (await it.listed())[MISTRAL.name].size_bytes


async def test_the_first_name_that_was_wanted_stands_for_all(on_stage: OnStage) -> None:
    it = await on_stage()
    await it.shelf.look_up([VARIANT.name])
    await it.shelf.look_up([MISTRAL.name, LLAMA.name])

    names = [it.memory.known_as(name) for name in (MISTRAL.name, VARIANT.name, LLAMA.name, "unheard-of:1b")]
    assert names == [VARIANT.name, VARIANT.name, LLAMA.name, "unheard-of:1b"]
    it.simulator.host.library.delete(VARIANT.name)
    it.shelf.look_again()
    await it.shelf.look_up([])
    assert it.memory.known_as(MISTRAL.name) == MISTRAL.name, "a name that is gone stands for nothing"


async def test_what_another_client_loaded_under_another_name_is_counted_once_and_taken_over(on_stage: OnStage) -> None:
    it = await on_stage()
    found = await it.loads_elsewhere(VARIANT.name, 4096)
    await it.memory.compare(frozenset())
    (foreign,) = it.memory.ledger.entries()
    assert (foreign.model, foreign.foreign, foreign.size_bytes) == (VARIANT.name, True, found.size_bytes)

    await it.shelf.look_up([MISTRAL.name])
    assert it.memory.known_as(MISTRAL.name) == MISTRAL.name
    await it.memory.load(MISTRAL, "s1")

    (entry,) = it.memory.ledger.entries()
    assert (entry.model, entry.foreign, entry.num_ctx) == (MISTRAL.name, False, 8192)
    assert [model.num_ctx for model in await it.client.ps()] == [8192]


async def test_a_runner_listed_under_another_name_of_ours_is_ours_and_its_unload_is_seen(on_stage: OnStage) -> None:
    it = await on_stage()
    await it.loads_elsewhere(SAME.name)
    await it.memory.load(MISTRAL, "s1")
    assert set(await it.listed()) == {SAME.name}

    assert await it.memory.compare({MISTRAL.name}) == []
    assert [(entry.model, entry.foreign) for entry in it.memory.ledger.entries()] == [(MISTRAL.name, False)]
    await it.memory.unload(MISTRAL.name)

    assert it.memory.ledger.entries() == []
    assert await it.client.ps() == []


async def test_an_unload_is_not_taken_for_done_while_the_runner_is_listed_under_another_name(on_stage: OnStage) -> None:
    it = await on_stage()
    await it.loads_elsewhere(SAME.name)
    await it.memory.load(MISTRAL, "s1")
    it.simulator.host.faults.add({"action": "unload_ignored"})

    with pytest.raises(DeadlineExceeded):
        await it.memory.unload(MISTRAL.name)

    assert it.memory.ledger.require(MISTRAL.name).phase is Phase.RESIDENT


async def test_a_model_of_ours_that_another_client_reloaded_under_its_own_name_is_not_lost(on_stage: OnStage) -> None:
    it = await on_stage()
    await it.memory.load(MISTRAL, "s1")
    await it.loads_elsewhere(VARIANT.name, 4096)

    assert await it.memory.compare({MISTRAL.name}) == []

    (entry,) = it.memory.ledger.entries()
    assert (entry.model, entry.foreign, entry.num_ctx, entry.holders) == (MISTRAL.name, False, 4096, {"s1"})


async def test_the_same_weights_with_an_adapter_are_another_model(on_stage: OnStage) -> None:
    """Ollama has one runner for the file, so that each throws the other out: that is no limit on its models."""
    it = await on_stage()
    await it.shelf.look_up([MISTRAL.name, TUNED.name])
    await it.memory.load(MISTRAL, "s1")

    await it.memory.load(replace(MISTRAL, name=TUNED.name), "s2")

    assert [entry.model for entry in it.memory.ledger.entries()] == [TUNED.name]
    assert [event.model for event in await it.events(EventKind.MODEL_LOST)] == [MISTRAL.name]
    assert it.memory.ledger.max_models is None


# ── other clients ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_foreign_models_count_what_they_were_measured_with(on_stage: OnStage) -> None:
    it = await on_stage()
    found = await it.loads_elsewhere("codellama:13b", 2048)

    await it.memory.compare(frozenset())

    (entry,) = it.memory.ledger.entries()
    assert (entry.foreign, entry.measured, entry.num_ctx) == (True, True, 2048)
    assert it.memory.ledger.snapshot().used_bytes == found.size_bytes


@pytest.mark.parametrize("num_ctx", [2048, 32768])
async def test_a_window_that_another_client_changed_is_followed_told_once_and_restored(
    on_stage: OnStage, num_ctx: int
) -> None:
    it = await on_stage()
    await it.memory.load(MISTRAL, "s1")
    entry = it.memory.ledger.require(MISTRAL.name)
    ours = entry.size_bytes
    theirs = await it.loads_elsewhere(MISTRAL.name, num_ctx)

    for _ in range(2):
        await it.memory.compare({MISTRAL.name})

    assert (entry.num_ctx, entry.foreign) == (num_ctx, False)
    assert entry.size_bytes == max(ours, theirs.size_bytes), "room for our own window stays reserved"
    (drift,) = await it.events(EventKind.DRIFT_FOUND)
    assert (drift.model, drift.data["what"], drift.data["ours"], drift.data["found"]) == (
        MISTRAL.name, "num_ctx", 8192, num_ctx,
    )  # fmt: skip

    await it.memory.load(MISTRAL, "s1")
    await it.memory.compare({MISTRAL.name})

    entry = it.memory.ledger.require(MISTRAL.name)
    assert (entry.num_ctx, entry.size_bytes, entry.measured) == (8192, ours, True)
    assert [model.num_ctx for model in await it.client.ps()] == [8192]
    assert len(await it.events(EventKind.DRIFT_FOUND)) == 1


async def test_a_window_beyond_the_one_of_training_is_no_drift(on_stage: OnStage) -> None:
    it = await on_stage()
    wide = replace(MISTRAL, num_ctx=65536)
    await it.memory.load(wide, "s1")

    await it.memory.compare({MISTRAL.name})

    assert (await it.listed())[MISTRAL.name].num_ctx == 32768
    assert it.memory.ledger.require(MISTRAL.name).num_ctx == 65536
    assert await it.events(EventKind.DRIFT_FOUND) == []
    assert it.memory.size_of(wide) == (await it.listed())[MISTRAL.name].size_bytes


@pytest.mark.parametrize("keep_alive_s", [KEEP_ALIVE_S / 2, KEEP_ALIVE_S * 2, -1.0])
async def test_a_keep_alive_that_another_client_changed_is_told_once_and_restored(
    on_stage: OnStage, keep_alive_s: float
) -> None:
    it = await on_stage()
    await it.memory.load(MISTRAL, "s1")
    assert await it.memory.compare({MISTRAL.name}) == []
    assert await it.events(EventKind.DRIFT_FOUND) == []
    await it.loads_elsewhere(MISTRAL.name, keep_alive_s=keep_alive_s)

    await it.memory.compare({MISTRAL.name})

    (drift,) = await it.events(EventKind.DRIFT_FOUND)
    assert (drift.model, drift.data["what"]) == (MISTRAL.name, "keep_alive")
    left = (await it.listed())[MISTRAL.name].expires_at - datetime.now(UTC)
    assert timedelta(0) < left <= timedelta(seconds=KEEP_ALIVE_S / SCALE)
    await it.memory.compare({MISTRAL.name})
    assert len(await it.events(EventKind.DRIFT_FOUND)) == 1
    assert it.loads == 1


async def test_renewing_a_keep_alive_restores_the_window_too(on_stage: OnStage) -> None:
    it = await on_stage()
    await it.memory.load(MISTRAL, "s1")
    await it.loads_elsewhere(MISTRAL.name, 2048, keep_alive_s=KEEP_ALIVE_S / 2)

    await it.memory.compare({MISTRAL.name})
    await it.memory.compare({MISTRAL.name})

    assert [event.data["what"] for event in await it.events(EventKind.DRIFT_FOUND)] == ["num_ctx", "keep_alive"]
    window, keep_alive = it.memory.take_contradictions()
    assert window == f"{MISTRAL.name} had a window of 2048 tokens instead of 8192"
    assert keep_alive == f"{MISTRAL.name} had another keep-alive than ours"
    assert it.memory.take_contradictions() == ()
    assert (await it.listed())[MISTRAL.name].num_ctx == 8192
    assert it.memory.ledger.require(MISTRAL.name).num_ctx == 8192


async def test_an_endpoint_whose_clock_is_wrong_is_told_of_once(on_stage: OnStage) -> None:
    it = await on_stage()
    it.simulator.host.clock.skew_s = 3600
    await it.memory.load(MISTRAL, "s1")

    for _ in range(3):
        await it.memory.compare({MISTRAL.name})

    assert len(await it.events(EventKind.DRIFT_FOUND)) == 1


async def test_the_keep_alive_of_a_model_nobody_holds_is_left_to_its_owner(on_stage: OnStage) -> None:
    it = await on_stage()
    await it.loads_elsewhere(MISTRAL.name, keep_alive_s=-1)
    await it.memory.load(LLAMA, "s1")
    it.memory.ledger.require(LLAMA.name).holders.clear()
    await it.loads_elsewhere(LLAMA.name, keep_alive_s=-1)

    await it.memory.compare({LLAMA.name})

    assert await it.events(EventKind.DRIFT_FOUND) == []
    left = [model.expires_at - datetime.now(UTC) for model in await it.client.ps()]
    assert min(left) > timedelta(days=365)
