"""The steps of one start, in order, and how they are taken back.

Owns which part is started when, with which settings, and the note about it all. When the last step is done the starting
process may end: nothing hangs on it or on its terminal.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from actors import cluster, local_ray
from delegator.endpoints import endpoints_of
from delegator.roles import Catalogue, load_catalogue
from delegator.roles.files import absolute_catalogue
from delegator.settings import GB, Settings
from serve_app.lifecycle import applications, backing, preflight
from serve_app.lifecycle.applications import Parts
from serve_app.lifecycle.home import Home
from serve_app.lifecycle.instance import Instance, NotedEndpoint, NotedProcess, write_instance
from serve_app.lifecycle.memory import largest_endpoint, memory_for_models
from serve_app.lifecycle.teardown import JoinedRay, take_down
from serve_app.version import VERSION

Report = Callable[[str], None]
"""Told each step as it begins, and what the user should know."""

OUR_PORTS = ("port", "ray_port", "dashboard_port", "metrics_port")
"""The settings that say where we listen."""


@dataclass
class Start:
    """One start: its steps in order, and what they have brought so far."""

    settings: Settings
    home: Home
    report: Report
    notices: list[str] = field(default_factory=list)
    pids: dict[str, int] = field(default_factory=dict)
    address: str | None = None
    dashboard_url: str | None = None
    metrics_url: str | None = None
    serve_started: bool = False

    def run(self, parts: Parts) -> Instance:
        """Take all steps. `undo` takes them back, however far they came."""
        self.settings = self.settings.model_copy(update={"catalogue": absolute_catalogue(self.settings.catalogue)})
        catalogue = self._look()
        models = backing.choose_models(self.settings)
        simulated = models.mode == "simulated"
        self.report(f"Models: {models.mode}, {models.reason}")
        self._note(list(models.silent))
        memory_bytes = memory_for_models(self.settings, simulated=simulated)
        self._note(preflight.too_large(catalogue, largest_endpoint(self.settings, memory_bytes, simulated=simulated)))
        database_url = self._start_database_and_ray(memory_bytes)
        simulators = self._start_simulators(memory_bytes) if simulated else {}
        resolved = self.settings.model_copy(
            update={
                **simulators,
                "database_url": database_url,
                "models": models.mode,
                "memory": memory_bytes,
                "home": self.home.path,
            }
        )
        names = self._start_applications(resolved, parts)
        instance = self._instance(resolved, names)
        write_instance(instance)
        return instance

    def undo(self) -> None:
        """End what was started. What fails here must not hide why the start failed."""
        joined = JoinedRay(self.address, self.serve_started) if self._joins and self.address else None
        try:
            cluster.disconnect()  # a driver does not survive its Ray
            take_down(self.home, joined)
        except Exception as exc:  # the first error is the one to tell
            self.report(f"Not all could be ended ({exc}); run: delegator down")

    @property
    def _joins(self) -> bool:
        return self.settings.ray_address is not None

    def _look(self) -> Catalogue:
        self.report("Looking at ports, disk and catalogue")
        catalogue = load_catalogue(self.settings.catalogue)
        self._note(preflight.check(self.settings, self.home, catalogue))
        if not self._joins:
            self._move_port("dashboard_port", "the Ray dashboard is")
            self._move_port("metrics_port", "the metrics are")
        return catalogue

    def _move_port(self, name: str, what: str) -> None:
        """Take the next free port where the one of this setting is taken: by somebody else, or by us ourselves."""
        wanted: int = getattr(self.settings, name)
        ours = {getattr(self.settings, other) for other in OUR_PORTS if other != name}
        clashes = name == "metrics_port" and wanted in ours
        if not wanted or (not clashes and preflight.port_problem("127.0.0.1", wanted) is None):
            return
        other = preflight.free_port("127.0.0.1", after=wanted)
        while other in ours:
            other = preflight.free_port("127.0.0.1", after=other)
        user = "Delegator itself" if clashes else preflight.port_user(wanted)
        self._note([f"port {wanted} is used by {user}, so {what} at port {other}"])
        self.settings = self.settings.model_copy(update={name: other})

    def _note(self, notices: list[str]) -> None:
        for notice in notices:
            if notice not in self.notices:
                self.notices.append(notice)
                self.report(f"Note: {notice}")

    def _start_database_and_ray(self, memory_bytes: int) -> str:
        """Start both at once, as both mostly wait; but a database of somebody else's is asked first, in a moment."""
        with ThreadPoolExecutor(max_workers=1) as beside:
            self.report("Starting PostgreSQL" if self.settings.database_url is None else "Asking PostgreSQL")
            database = beside.submit(backing.ensure_database, self.settings, self.home)
            if self.settings.database_url is not None:
                database.result()
            self._ensure_ray(memory_bytes)
            return database.result()

    def _ensure_ray(self, memory_bytes: int) -> None:
        if self.settings.ray_address is not None:
            self.report(f"Joining Ray at {self.settings.ray_address}")
            self.address = cluster.connect(self.settings.ray_address)
            if not applications.serve_runs():
                preflight.check_api_port(self.settings)
            self._compare_memory(memory_bytes)
            return
        self.report("Starting Ray")
        node = local_ray.start_local_ray(
            instance_id=self.home.instance_id,
            memory_bytes=memory_bytes,
            token_path=self.home.token_file,
            log_path=self.home.logs / "ray-start.log",
            port=self.settings.ray_port,
            dashboard_port=self.settings.dashboard_port,
            metrics_port=self.settings.metrics_port,
        )
        self.address, self.dashboard_url = node.address, node.dashboard_url
        self.pids |= node.pids
        cluster.connect(node.address, token_path=self.home.token_file)
        self.metrics_url = cluster.metrics_url()

    def _compare_memory(self, memory_bytes: int) -> None:
        import ray

        self.dashboard_url = _dashboard_of_joined()
        self._note(["the metrics are given out by the Ray that was joined, where its nodes export theirs"])
        offered = int(ray.cluster_resources().get("memory", 0))
        if offered < memory_bytes:
            have, want = offered / GB, memory_bytes / GB
            self._note([f"Ray offers {have:.1f} GB and models may take {want:.1f} GB: Delegator's own account guards"])

    def _start_simulators(self, memory_bytes: int) -> dict[str, Any]:
        """Start the simulators; return the settings that lead to them."""
        count = self.settings.simulated_endpoints
        self.report("Starting the simulator" if count == 1 else f"Starting {count} simulators")
        started = backing.start_simulators(
            self.settings, self.home, memory_bytes=memory_bytes, exit_with_pid=self.pids.get("raylet")
        )
        self.pids |= {part: pid for part, (_, pid) in started.items()}
        return {"ollama_url": ",".join(url for url, _ in started.values()), "endpoints": ()}

    def _start_applications(self, resolved: Settings, parts: Parts) -> list[str]:
        self.report("Starting the actors and the API")
        self.serve_started = not applications.serve_runs()
        names = applications.start(resolved, parts)
        applications.await_ready(api_url(resolved))
        cluster.disconnect()
        return names

    def _instance(self, settings: Settings, names: list[str]) -> Instance:
        url = api_url(settings)
        endpoints = tuple(NotedEndpoint(endpoint_id=e.endpoint_id, url=e.url) for e in endpoints_of(settings))
        joined = settings.ray_address is not None
        assert self.address is not None and settings.memory is not None  # noqa: S101, PT018 - set by the steps before
        return Instance(
            instance_id=self.home.instance_id,
            version=VERSION,
            started_at=datetime.now(UTC),
            home=self.home.path,
            logs=self.home.logs,
            host=settings.host,
            port=settings.port,
            api_url=url,
            mcp_url=f"{url}/mcp",
            monitor_url=f"{url}/monitor" if applications.MONITOR in names else None,
            dashboard_url=self.dashboard_url,
            metrics_url=self.metrics_url,
            token_file=None if joined else self.home.token_file,
            models="simulated" if settings.models == "simulated" else "ollama",
            ollama_url=endpoints[0].url,
            endpoints=endpoints,
            simulator_scale=settings.simulator_scale if settings.models == "simulated" else None,
            catalogue=settings.catalogue,
            memory_bytes=settings.memory,
            ray_address=self.address,
            ray_joined=joined,
            serve_started=self.serve_started,
            database="embedded" if self.settings.database_url is None else "external",
            processes={part: NotedProcess.of(pid) for part, pid in self.pids.items()},
            environment={
                "RAY_ADDRESS": self.address,
                **cluster.driver_environment(None if joined else self.home.token_file),
            },
            notices=tuple(self.notices),
        )


def api_url(settings: Settings) -> str:
    """Return where a program on this machine reaches the API."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 - looked up, not bound
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def _dashboard_of_joined() -> str | None:
    import ray
    from ray._private.worker import get_dashboard_url

    url = get_dashboard_url() if ray.is_initialized() else None
    return f"http://{url}" if url else None
