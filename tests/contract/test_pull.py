"""Section 7: pulling (item 14). Of a real Ollama only what needs no large download."""

from __future__ import annotations

import pytest

from tests.contract.backends import Backend
from tests.contract.conftest import Wire, lines_of


@pytest.fixture(autouse=True)
def registry(backend: Backend) -> None:
    if not backend.registry:
        pytest.skip("this host has no registry to pull from")


async def test_an_unknown_model_is_an_error_line_under_status_200(wire: Wire):
    response = await wire.post("/api/pull", model="no-such-model-at-all")

    lines = lines_of(response)
    assert response.status_code == 200
    assert lines[0] == {"status": "pulling manifest"}
    assert lines[-1]["error"].startswith("pull model manifest:")


async def test_an_unknown_model_is_a_500_unstreamed(wire: Wire):
    response = await wire.post("/api/pull", model="no-such-model-at-all", stream=False)

    assert response.status_code == 500
    assert response.json()["error"].startswith("pull model manifest:")


async def test_pulling_what_is_there_ends_in_success(wire: Wire):
    lines = lines_of(await wire.post("/api/pull", model=wire.backend.model))

    statuses = [line["status"] for line in lines]
    assert statuses[0] == "pulling manifest"
    assert statuses[-3:] == ["verifying sha256 digest", "writing manifest", "success"]
