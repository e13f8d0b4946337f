"""A real Ray of our own: who gets in, what it listens on, what it reserves, and that nothing of it stays."""

import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]  # comes with Ray, without types
import httpx
import psutil
import pytest

from actors import cluster, local_ray, processes
from delegator.errors import StartFailed
from serve_app.lifecycle.preflight import free_port

MEMORY_BYTES = 10_000_000_000
INSTANCE = f"test{os.getpid()}"


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="delegator-test-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def node(home: Path) -> Iterator[local_ray.RayNode]:
    started = local_ray.start_local_ray(
        instance_id=INSTANCE,
        memory_bytes=MEMORY_BYTES,
        token_path=home / "token",
        log_path=home / "ray-start.log",
        dashboard_port=free_port("127.0.0.1", after=20_000),
    )
    yield started
    os.kill(started.pids["raylet"], signal.SIGKILL)  # what a dead raylet leaves must end too
    local_ray.stop_local_ray(INSTANCE, keep_logs_in=home / "logs")
    assert processes.own_processes(INSTANCE, local_ray.runtime_dir(INSTANCE)) == []
    assert not local_ray.runtime_dir(INSTANCE).exists()
    assert list((home / "logs").glob("raylet*"))


@pytest.fixture
def driver(node: local_ray.RayNode, home: Path) -> Iterator[None]:
    with cluster.connected(node.address, token_path=home / "token"):
        yield


class TestNames:
    def test_actors_are_named_by_what_they_are_for(self) -> None:
        assert cluster.agent_name("cto") == "agent-cto"
        assert cluster.model_host_name("gpu1") == "model-host-gpu1"


class TestConnect:
    def test_an_address_where_nothing_answers_is_told_at_once(self) -> None:
        port = free_port("127.0.0.1", after=21_000)

        with pytest.raises(StartFailed, match=f"nothing answers at 127.0.0.1:{port}"):
            cluster.connect(f"127.0.0.1:{port}")

    def test_the_environment_is_as_before_when_connecting_fails(self) -> None:
        before = dict(os.environ)

        with pytest.raises(StartFailed):
            cluster.connect("127.0.0.1:1", token_path=Path("/nowhere"))

        assert dict(os.environ) == before


@pytest.mark.ray
class TestLocalRay:
    @pytest.mark.usefixtures("driver")
    def test_offers_the_memory_it_was_given(self) -> None:
        import ray

        assert ray.cluster_resources()["memory"] == MEMORY_BYTES

    @pytest.mark.usefixtures("driver")
    def test_a_reservation_of_memory_alone_is_taken_and_given_back(self) -> None:
        import ray
        from ray.util import placement_group, remove_placement_group

        group = placement_group([{"memory": 4_000_000_000}], lifetime="detached", name="model:test:four")
        assert group.wait(10)
        assert ray.available_resources()["memory"] == MEMORY_BYTES - 4_000_000_000
        remove_placement_group(group)

        await_equal(lambda: ray.available_resources()["memory"], MEMORY_BYTES)

    @pytest.mark.usefixtures("driver")
    def test_leaving_a_ray_to_others_takes_our_actors_and_reservations_only(self) -> None:
        import ray
        from ray.util import placement_group

        stays = idle(name="somebody", namespace="else", lifetime="detached")
        ours = idle(name="agent-cto", namespace=cluster.NAMESPACE, lifetime="detached")
        ray.get(ours.ping.remote(), timeout=60)
        assert placement_group([{"memory": 1}], lifetime="detached", name="model:test:one").wait(10)

        removed = cluster.remove_ours()

        assert sorted(removed) == ["agent-cto", "model:test:one"]
        assert ray.get(stays.ping.remote(), timeout=60) == "here"

    @pytest.mark.usefixtures("driver")
    def test_workers_have_loaded_what_actors_need(self) -> None:
        import ray

        actor = idle()

        assert ray.get(actor.loaded.remote("delegator.ollama.client"), timeout=60)

    @pytest.mark.usefixtures("driver")
    def test_listens_on_loopback_only(self) -> None:
        import ray

        actor = idle()
        ray.get(actor.ping.remote(), timeout=60)

        assert listening_addresses() <= {"127.0.0.1", "::ffff:127.0.0.1"}

    def test_who_has_no_token_gets_in_nowhere(self, node: local_ray.RayNode, home: Path) -> None:
        assert asked_for_nodes(node.address, None) == grpc.StatusCode.UNAUTHENTICATED
        assert asked_for_nodes(node.address, "0" * 64) == grpc.StatusCode.UNAUTHENTICATED
        assert httpx.get(f"{node.dashboard_url}/api/cluster_status", timeout=30).status_code == 401

    def test_who_has_the_token_gets_in(self, node: local_ray.RayNode, home: Path) -> None:
        token = (home / "token").read_text()

        assert asked_for_nodes(node.address, token) == grpc.StatusCode.OK
        assert dashboard_status(node, token) == 200

    def test_its_token_is_for_its_user_alone(self, node: local_ray.RayNode, home: Path) -> None:
        assert (home / "token").stat().st_mode & 0o777 == 0o600
        assert local_ray.runtime_dir(INSTANCE).stat().st_mode & 0o777 == 0o700

    def test_its_parts_are_no_children_of_ours(self, node: local_ray.RayNode) -> None:
        me = os.getpid()

        for pid in node.pids.values():
            assert me not in [parent.pid for parent in psutil.Process(pid).parents()]
            assert os.getsid(pid) != os.getsid(me)


class Idle:
    """An actor that does next to nothing."""

    def ping(self) -> str:
        return "here"

    def loaded(self, module: str) -> bool:
        return module in sys.modules


def idle(**options: Any) -> Any:
    import ray

    return ray.remote(Idle).options(num_cpus=0, **options).remote()


def asked_for_nodes(address: str, token: str | None) -> grpc.StatusCode:
    """Ask the head which nodes there are, as any program could; return how it answers."""
    metadata = None if token is None else [("authorization", f"Bearer {token}")]
    with grpc.insecure_channel(address) as channel:
        try:
            channel.unary_unary("/ray.rpc.NodeInfoGcsService/GetAllNodeInfo")(b"", metadata=metadata, timeout=30)
        except grpc.RpcError as exc:
            return exc.code()
    return grpc.StatusCode.OK


def dashboard_status(node: local_ray.RayNode, token: str) -> int:
    headers = {"authorization": f"Bearer {token}"}
    return httpx.get(f"{node.dashboard_url}/api/cluster_status", headers=headers, timeout=30).status_code


def listening_addresses() -> set[str]:
    """Addresses on which any process of the instance listens."""
    found = set()
    for process in processes.own_processes(INSTANCE, local_ray.runtime_dir(INSTANCE)):
        for connection in process.net_connections("inet"):
            if connection.status == psutil.CONN_LISTEN:
                found.add(connection.laddr[0])
    return found


def await_equal(look, expected) -> None:
    """Look until it is as expected; Ray tells its resources with a delay."""
    deadline = time.monotonic() + 20
    while look() != expected:
        assert time.monotonic() < deadline, f"still {look()}"
        time.sleep(0.05)
