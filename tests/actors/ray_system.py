"""A whole system on a real Ray, a real PostgreSQL and a simulated Ollama in a process of its own; for tests."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request as HttpRequest
from urllib.request import urlopen

import psutil
import ray

from actors.cluster import NAMESPACE, SESSION_MANAGER, agent_name, connected, model_host_name
from actors.local_ray import start_local_ray, stop_local_ray
from actors.system import ensure_system
from delegator import schemas as s
from delegator.endpoints import FIRST_ID
from delegator.settings import GB, Settings
from serve_app.lifecycle.preflight import free_port

DEADLINE_S = 60.0
SCALE = 20.0
MEMORY = 64 * GB


@dataclass
class RaySystem:
    """Calls on the SessionManager, and looks behind its back."""

    settings: Settings
    ollama: str

    def call(self, operation: str, request: s.Request | None = None, **fields: Any) -> Any:
        """Do one operation; `fields` make its request where none is given. Errors come as they were raised."""
        request = request or REQUESTS[operation].model_validate(fields)
        try:
            return ray.get(getattr(self.manager(), operation).remote(request), timeout=DEADLINE_S)
        except ray.exceptions.RayTaskError as exc:
            raise exc.cause from None

    def manager(self) -> Any:
        return ray.get_actor(SESSION_MANAGER, namespace=NAMESPACE)

    def finished(self, task_id: str) -> Any:
        """Return a task once it has ended."""
        return until(
            lambda: view if (view := self.call("get_task", task_id=task_id, wait_s=5)).status.is_final else None
        )

    def loaded(self) -> set[str]:
        """Return what Ollama says is in memory."""
        return {m["name"] for m in self.ask_ollama("/api/ps")["models"]}

    def ask_ollama(self, path: str, body: Any = None, method: str | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        with urlopen(HttpRequest(self.ollama + path, data, headers, method=method), timeout=10) as reply:
            return json.loads(reply.read() or b"{}")

    def fault(self, **order: Any) -> None:
        self.ask_ollama("/_sim/faults", order)

    def clear_faults(self) -> None:
        self.ask_ollama("/_sim/faults", method="DELETE")

    def reservations(self) -> set[str]:
        table = ray.util.placement_group_table()
        return {g["name"].split(":", 2)[2] for g in table.values() if g["state"] != "REMOVED"}

    def actors(self) -> set[str]:
        """Return the names of our living actors."""
        return {a["name"] for a in ray.util.list_named_actors(all_namespaces=True) if a["namespace"] == NAMESPACE}

    def agents(self) -> set[str]:
        return {name.removeprefix(agent_name("")) for name in self.actors() if name.startswith(agent_name(""))}

    def events(self, session_id: str) -> list[s.Event]:
        return list(self.call("list_events", session_id=session_id, limit=1000).events)

    def kill_process(self, actor: str) -> int:
        """Kill an actor's process with SIGKILL, as the system would; return its pid."""
        pid = pid_of(actor)
        os.kill(pid, signal.SIGKILL)
        until(lambda: is_gone(pid))
        return pid

    def kill_manager(self) -> None:
        self.kill_process(SESSION_MANAGER)

    def kill_host(self) -> None:
        self.kill_process(model_host_name(FIRST_ID))

    def restart_manager(self, **changed: Any) -> None:
        """End the SessionManager for good and start another with other settings on the same record."""
        ray.kill(self.manager(), no_restart=True)
        until(lambda: SESSION_MANAGER not in self.actors())
        start(Settings.model_validate({**self.settings.model_dump(), **changed}))

    def end_all(self) -> None:
        for session in self.call("list_active_sessions").sessions:
            self.call("end_session", session_id=session.session_id)


REQUESTS: dict[str, type[s.Request]] = {
    "load_model": s.ModelControlRequest,
    "unload_model": s.ModelControlRequest,
    "pin_model": s.ModelControlRequest,
    "unpin_model": s.ModelControlRequest,
    "create_session": s.CreateSessionRequest,
    "analyze_task": s.AnalyzeTaskRequest,
    "retrain_analysis": s.RetrainAnalysisRequest,
    "reset_analysis": s.ResetAnalysisRequest,
    "give_feedback": s.GiveFeedbackRequest,
    "plan_session": s.PlanSessionRequest,
    "get_session": s.SessionRef,
    "list_active_sessions": s.NoInput,
    "end_session": s.OptionalSessionRef,
    "add_agent_to_session": s.AddAgentRequest,
    "remove_agent_from_session": s.RemoveAgentRequest,
    "list_active_agents": s.ListAgentsRequest,
    "restart_agent": s.RestartAgentRequest,
    "delegate_task": s.DelegateTaskRequest,
    "send_message": s.SendMessageRequest,
    "get_task": s.GetTaskRequest,
    "cancel_task": s.TaskRef,
    "get_receipt": s.SessionRef,
    "resource_summary": s.NoInput,
    "statistics": s.StatisticsRequest,
    "session_history": s.SessionHistoryRequest,
    "list_events": s.ListEventsRequest,
    "list_alerts": s.ListAlertsRequest,
    "cleanup_orphaned_agents": s.NoInput,
}


def is_gone(pid: int) -> bool:
    """Return whether a process has ended, fetched by its parent or not."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:  # it may go at any moment: asking first whether it is there would not help
        return True


def until(look: Callable[[], Any], *, deadline_s: float = DEADLINE_S) -> Any:
    """Look until there is something to see; fail at the deadline."""
    end = time.monotonic() + deadline_s
    while not (seen := look()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)
    return seen


def pid_of(actor: str) -> int:
    """Return the process of a named actor, by Ray's own record."""
    from ray.util.state import list_actors

    def look() -> int | None:
        address = ray.get_runtime_context().gcs_address
        found = [a for a in list_actors(address, limit=1000, detail=True) if a.name == actor and a.state == "ALIVE"]
        return found[0].pid if found else None

    return int(until(look))


def start(settings: Settings) -> None:
    import asyncio

    asyncio.run(ensure_system(settings))


METRICS_EVERY = ("RAY_metrics_report_interval_ms", "1000")
"""Ray hands metrics on that often here, not every ten seconds: tests wait for them."""


@contextmanager
def local_ray(folder: Path) -> Iterator[None]:
    """Start a Ray as `delegator up` does, join it, and end it with all its processes."""
    variable, value = METRICS_EVERY
    os.environ[variable] = value
    instance_id = f"test{os.getpid()}"
    token = folder / "token"
    node = start_local_ray(
        instance_id=instance_id,
        memory_bytes=MEMORY,
        token_path=token,
        log_path=folder / "ray.log",
        dashboard_port=free_port("127.0.0.1", after=18300),
    )
    try:
        with connected(node.address, token_path=token):
            yield
    finally:
        stop_local_ray(instance_id)
        del os.environ[variable]


@contextmanager
def simulator(folder: Path, *, scale: float = SCALE) -> Iterator[str]:
    """Run a simulated Ollama; give its address."""
    port_file = folder / "simulator.json"
    command = [sys.executable, "-m", "delegator.ollama.simulator", "--port", "0", "--scale", str(scale)]
    command += ["--profile", "laptop64", "--max-loaded", "12", "--port-file", str(port_file)]
    process = subprocess.Popen([*command, "--exit-with-pid", str(os.getpid())], stdout=subprocess.DEVNULL)
    try:
        yield str(until(lambda: json.loads(port_file.read_text())["url"] if port_file.exists() else None))
    finally:
        process.terminate()
        process.wait(10)
