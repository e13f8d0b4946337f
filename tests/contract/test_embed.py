"""Section 5: vectors (item 13)."""

from __future__ import annotations

import math

import pytest

from tests.contract.conftest import Wire


@pytest.fixture
def embedder(wire: Wire) -> str:
    if wire.backend.embedder is None:
        pytest.skip("DELEGATOR_TEST_OLLAMA_EMBEDDER is not set: no embedding model to test")
    return wire.backend.embedder


async def test_one_text_or_several_give_one_unit_vector_each(wire: Wire, embedder: str):
    one = (await wire.post("/api/embed", model=embedder, input="a")).json()["embeddings"]
    two = (await wire.post("/api/embed", model=embedder, input=["a", "b"])).json()["embeddings"]

    assert (len(one), len(two)) == (1, 2)
    assert all(math.isclose(math.hypot(*vector), 1.0, rel_tol=1e-3) for vector in two)
    assert len(one[0]) == len(two[1])


async def test_empty_input_only_loads(wire: Wire, embedder: str):
    body = (await wire.post("/api/embed", model=embedder, input="", keep_alive=600)).json()

    assert body["embeddings"] == []
    assert len(await wire.loaded()) == 1


async def test_too_long_a_text_is_refused_when_it_may_not_be_cut(wire: Wire, embedder: str):
    response = await wire.post("/api/embed", model=embedder, input="word " * 20_000, truncate=False)

    assert response.status_code == 400
    assert "exceeds the context length" in response.json()["error"]


async def test_an_embedder_does_not_generate(wire: Wire, embedder: str):
    response = await wire.post("/api/generate", model=embedder, prompt="x")

    assert response.status_code == 400
    assert "does not support generate" in response.json()["error"]
