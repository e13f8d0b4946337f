"""The main job, timed: start, a session cold and warm, a message, a team's task, the end.

Starts a system of its own, first with the simulator at the speed of life (loading a model takes what it takes on a disk
of 2 GB a second), then 200 times faster, so that what is left is Delegator's own time. Prints Markdown tables.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from serve_app.lifecycle.preflight import free_port

FEATURE = "Add user authentication feature"
FIRST_SPEAKER_LOAD_S = 4.92 / 2 + 0.5
"""llama3.1:8b, the product manager's model: file GB / disk GB per second + overhead, as the simulator takes it."""


@contextmanager
def system(scale: float) -> Iterator[tuple[httpx.Client, float, float]]:
    """Start a system; give a client of its API, the seconds `up` took, and a first `run` on the command line."""
    home = tempfile.mkdtemp(prefix="delegator-bench-")
    environment = {
        **os.environ,
        "DELEGATOR_HOME": home,
        "DELEGATOR_PORT": str(free_port("127.0.0.1", after=18_800)),
        "DELEGATOR_DASHBOARD_PORT": str(free_port("127.0.0.1", after=18_900)),
        "DELEGATOR_METRICS_PORT": "0",
        "DELEGATOR_SIMULATOR_SCALE": str(scale),
        "DELEGATOR_MODELS": "simulated",
    }
    delegator = [sys.executable, "-m", "serve_app.cli"]

    def run(*words: str) -> float:
        start = time.perf_counter()
        subprocess.run([*delegator, *words], env=environment, check=True, capture_output=True)
        return time.perf_counter() - start

    try:
        up_s = run("up")
        run_s = run("run", FEATURE)
        with httpx.Client(
            base_url=f"http://127.0.0.1:{environment['DELEGATOR_PORT']}", timeout=120, trust_env=False
        ) as client:
            yield client, up_s, run_s
    finally:
        subprocess.run([*delegator, "down"], env=environment, check=False, capture_output=True)
        shutil.rmtree(home, ignore_errors=True)


def timed(times: int, action: Callable[[], object], after: Callable[[object], object] = lambda _: None) -> list[float]:
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        result = action()
        taken.append(time.perf_counter() - start)
        after(result)
    return taken


def post(client: httpx.Client, path: str, body: dict[str, object]) -> dict[str, object]:
    reply = client.post(path, json=body)
    reply.raise_for_status()
    answer: dict[str, object] = reply.json()
    return answer


def create(client: httpx.Client) -> dict[str, object]:
    made = post(client, "/v1/sessions", {"task_description": FEATURE, "wait_s": 20})
    assert made["status"] == "ready", made
    return made


def end(client: httpx.Client, made: object) -> None:
    assert isinstance(made, dict)
    client.delete(f"/v1/sessions/{made['session_id']}").raise_for_status()


def row(what: str, taken: list[float]) -> str:
    return f"| {what} | {statistics.median(taken):.3f} | {min(taken):.3f} | {max(taken):.3f} | {len(taken)} |"


HEAD = "| what | median s | fastest | slowest | runs |\n|---|---|---|---|---|"


def main() -> None:
    load = os.getloadavg()[0]
    print(f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, load average {load:.1f} at the start\n")
    with system(1) as (client, up_s, run_s):
        ping = timed(50, lambda: client.get("/healthz"))
        trip = timed(50, lambda: client.get("/v1/resources"))
        cold = timed(5, lambda: create(client), lambda made: end(client, made))
        held = create(client)
        warm = timed(10, lambda: create(client), lambda made: end(client, made))
        end(client, held)
        print("Simulator at the speed of life:\n")
        print(HEAD)
        print(row("`delegator up`, PostgreSQL's folder made anew", [up_s]))
        print(row(f'`delegator run "{FEATURE}"`', [run_s]))
        print(row("HTTP without an actor (`/healthz`)", ping))
        print(row("HTTP with one actor behind two (`/v1/resources`)", trip))
        print(row("`create_session` to ready, cold, team of four", cold))
        print(row("`create_session` to ready, roles held by another session", warm))
        ratio, trips = statistics.median(cold) / FIRST_SPEAKER_LOAD_S, statistics.median(warm) / statistics.median(trip)
        print(f"\nCold: {ratio:.2f} of the first speaker's load ({FIRST_SPEAKER_LOAD_S:.2f} s).")
        print(f"Warm: {trips:.1f} round trips.\n")
    with system(200) as (client, up_s, run_s):
        made = create(client)
        path = f"/v1/sessions/{made['session_id']}"
        message = timed(20, lambda: post(client, f"{path}/messages", {"to": "product_manager", "text": "Why?"}))
        task = timed(5, lambda: post(client, f"{path}/tasks", {"wait_s": 20}))
        ended = timed(1, lambda: end(client, made))
        print("Simulator 200 times faster than life:\n")
        print(HEAD)
        print(row("`delegator up`", [up_s]))
        print(row(f'`delegator run "{FEATURE}"`', [run_s]))
        print(row("one message, answered", message))
        print(row("a task of five turns on four models that take turns", task))
        print(row("`end_session`, unloading confirmed", ended))
    print(f"\nCommand: `python -m bench {Path(__file__).stem}`")


if __name__ == "__main__":
    main()
