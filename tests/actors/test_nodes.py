"""Which Ray node an endpoint is on, and what it has for models there."""

from __future__ import annotations

import pytest

from actors.nodes import Node, node_of
from actors.wiring import capacities_of, nodes_that_reserve
from delegator.endpoints import Endpoint
from delegator.settings import GB

HERE = Node("aaa", "10.0.0.1", frozenset({"aaa", "10.0.0.1", "desk"}), 64 * GB)
GPU = Node("bbb", "10.0.0.2", frozenset({"bbb", "10.0.0.2", "gpu"}), 100 * GB)
NODES = (HERE, GPU)


@pytest.mark.parametrize(
    ("endpoint", "node"),
    [
        (Endpoint("o", "http://127.0.0.1:11434"), HERE),
        (Endpoint("o", "http://localhost:11434"), HERE),
        (Endpoint("o", "http://10.0.0.2:11434"), GPU),
        (Endpoint("o", "http://10.9.9.9:11434"), None),
        (Endpoint("o", "http://10.9.9.9:11434", node="gpu"), GPU),
        (Endpoint("o", "http://10.0.0.2:11434", node="desk"), HERE),
        (Endpoint("o", "http://127.0.0.1:11434", node="nobody"), None),
    ],
)
def test_an_endpoint_is_on_the_node_that_was_said_or_that_its_address_names(endpoint: Endpoint, node: Node) -> None:
    assert node_of(endpoint, NODES, HERE) == node


def test_endpoints_share_their_nodes_memory_and_others_have_what_they_were_given() -> None:
    endpoints = [
        Endpoint("a", "http://127.0.0.1:1"),
        Endpoint("b", "http://127.0.0.1:2", 10 * GB),
        Endpoint("c", "http://127.0.0.1:3"),
        Endpoint("d", "http://10.0.0.2:1"),
        Endpoint("e", "http://10.9.9.9:1", 7 * GB),
        Endpoint("f", "http://10.9.9.8:1"),
    ]
    at = {e.endpoint_id: node_of(e, NODES, HERE) for e in endpoints}

    capacities = capacities_of(endpoints, at, HERE, 50 * GB, agents_bytes=GB)

    assert capacities == {"a": 20 * GB, "b": 10 * GB, "c": 20 * GB, "d": 99 * GB, "e": 7 * GB, "f": 50 * GB}
    assert nodes_that_reserve(at, capacities, agents_bytes=GB) == {"aaa", "bbb"}


def test_a_node_that_offers_less_than_models_and_agents_may_take_reserves_nothing() -> None:
    at: dict[str, Node | None] = {"a": HERE, "d": GPU}

    assert nodes_that_reserve(at, {"a": 64 * GB, "d": 50 * GB}, agents_bytes=GB) == {"bbb"}
