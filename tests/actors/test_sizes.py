"""Measured sizes that are a little off the estimate: what is counted, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from actors.shelf import Shelf
from actors.sizes import Sizes
from delegator.ollama.client import LoadedModel, OllamaClient
from delegator.ollama.simulator.server import SimulatedHost
from delegator.residency.ledger import Entry, Phase
from delegator.roles.catalogue import Model
from delegator.settings import GB

MODEL = Model("deepseek-coder:33b", 8192, 1 * GB, (), 0)


@pytest.fixture
async def sizes() -> Sizes:
    """Sizes on a machine that has the model on its disk and has never loaded it."""
    async with SimulatedHost("laptop64") as simulator, OllamaClient(simulator.url) as client:
        shelf = Shelf(client)
        await shelf.look_up([MODEL.name])
        return Sizes(shelf, ())


def listed(size_bytes: int) -> LoadedModel:
    return LoadedModel(MODEL.name, "", size_bytes, 0, MODEL.num_ctx, datetime.now(UTC))


def measure(sizes: Sizes, size_bytes: int) -> None:
    sizes.learn(replace(entry(sizes), size_bytes=size_bytes, measured=True), None)


def entry(sizes: Sizes) -> Entry:
    weights = sizes._shelf.weights_of(MODEL.name)
    return Entry(MODEL.name, MODEL.num_ctx, 0, Phase.RESIDENT, weights=weights)


@pytest.mark.parametrize(
    ("ratio", "counted", "believed"),
    [(0.65, 0.65, True), (0.76, 1.0, False), (0.89, 1.0, False), (0.91, 0.91, True), (1.2, 1.2, True)],
)
async def test_a_size_a_little_below_the_estimate_is_not_believed(
    sizes: Sizes, ratio: float, counted: float, believed: bool
) -> None:
    estimate = sizes.size_of(MODEL)

    size, is_believed = sizes.judge(MODEL.name, listed(round(ratio * estimate)), ours_num_ctx=MODEL.num_ctx)

    assert size == pytest.approx(counted * estimate, rel=1e-6)
    assert is_believed is believed


@pytest.mark.parametrize(
    ("measured", "bound", "planned"),
    [
        (1.2, 2.0, 1.2),  # there is room
        (1.2, 1.1, 1.1),  # measured above the bound, estimated below it: all there is
        (1.2, 0.9, 1.2),  # too large by both
        (1.3, 1.1, 1.3),  # too far off the estimate to be doubted
    ],
)
async def test_a_size_a_little_above_the_bound_gets_all_of_it(
    sizes: Sizes, measured: float, bound: float, planned: float
) -> None:
    estimate = sizes.size_of(MODEL)
    measure(sizes, round(measured * estimate))

    assert sizes.size_within(MODEL, round(bound * estimate)) == pytest.approx(planned * estimate, rel=1e-6)
