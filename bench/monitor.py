"""The monitor on a full record: how soon its pages can be used, and what 50 open pages cost the API.

Starts a system of its own with simulated models: 10,000 past sessions, 100 open ones. Each view is opened in Chromium
until what it shows can be used. Then the API is called by turns with and without 50 open pages, while sessions begin
and end, so that the pages have something to follow; what these pages are, `monitor_load/pages.py` tells. Prints
Markdown tables, with the processor time of each part; every figure is from one run.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from playwright.sync_api import Page, sync_playwright

from bench.monitor_load.processor_time import seconds_so_far, spent
from bench.monitor_load.record import fill
from delegator.store.embedded import EmbeddedPostgres
from serve_app.lifecycle.preflight import free_port

PAST, OPEN, PAGES = 10_000, 100, 50
GOAL_S, GOAL_RATIO = 2.0, 1.1

VIEWS = {
    "Now": ("", "text=Past task"),
    "History": ("history?day=all", "text=session"),
    "Statistics": ("statistics", "text=Sessions"),
    "Events": ("events", 'button:has-text("Pause")'),
}
"""{view: its path below /monitor and what must be seen}."""

ROUNDS, WINDOW_S = 8, 6.0
"""By-turns windows with and without pages, and real seconds of each."""

FORGOTTEN_S = 13.0
"""Real seconds after which the monitor has forgotten pages that were left, and reads nothing for them any more."""


@contextmanager
def system(home: str) -> Iterator[str]:
    """Start PostgreSQL and a system on it; give the API's address."""
    database = EmbeddedPostgres(Path(home) / "bench-record")
    port = free_port("127.0.0.1", after=18_700)
    environment = {
        **os.environ,
        "DELEGATOR_HOME": home,
        "DELEGATOR_DATABASE_URL": database.ensure_running(),
        "DELEGATOR_PORT": str(port),
        "DELEGATOR_DASHBOARD_PORT": "0",
        "DELEGATOR_METRICS_PORT": "0",
        "DELEGATOR_SIMULATOR_SCALE": "200",
        "DELEGATOR_MODELS": "simulated",
        "DELEGATOR_MAX_CONCURRENT_SESSIONS": str(OPEN + 20),
    }
    delegator = [sys.executable, "-m", "serve_app.cli"]
    try:
        subprocess.run([*delegator, "up"], env=environment, check=True, capture_output=True)
        fill(environment["DELEGATOR_DATABASE_URL"], sessions=PAST)
        yield f"http://127.0.0.1:{port}"
    finally:
        down = subprocess.run([*delegator, "down"], env=environment, check=False, capture_output=True, text=True)
        if down.returncode:
            print(f"`down` failed, look for what is left of {home}: {down.stderr or down.stdout}", file=sys.stderr)
        database.stop()


def create(client: httpx.Client, number: int) -> str:
    body = {"task_description": f"Past task of nobody {number}: fix typo", "task_category": "quick_fix", "wait_s": 20}
    reply = client.post("/v1/sessions", json=body)
    reply.raise_for_status()
    return str(reply.json()["session_id"])


def usable_s(page: Page, address: str, path: str, seen: str) -> float:
    """Return seconds from the request to what can be seen and clicked."""
    start = time.perf_counter()
    page.goto(f"{address}/monitor/{path}", wait_until="commit")
    page.locator(seen).first.wait_for(state="visible")
    page.get_by_role("link", name="History").first.click(trial=True)
    return time.perf_counter() - start


@contextmanager
def open_pages(address: str, count: int) -> Iterator[None]:
    """Keep pages open in a process of its own."""
    command = [sys.executable, "-m", "bench.monitor_load.pages", f"{address}/monitor/", str(count)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as pages:
        assert pages.stdin and pages.stdout  # noqa: PT018 - for the type checker
        if pages.stdout.readline().strip() != "open":
            raise RuntimeError("the pages did not open")
        yield
        pages.stdin.close()
        print(f"(updates taken by {count} pages: {pages.stdout.readline().strip()})", file=sys.stderr)


class Window:
    """What was measured in all windows of one kind."""

    def __init__(self) -> None:
        self.taken: list[float] = []
        """Seconds of each call."""
        self.spent: Counter[str] = Counter()
        """{what a process is: its processor seconds}."""

    def measure(self, client: httpx.Client) -> None:
        before = seconds_so_far()
        self.taken += work(client, WINDOW_S)
        self.spent.update(spent(before, seconds_so_far()))

    def row(self, what: str) -> str:
        taken = self.taken
        return f"| {what} | {statistics.median(taken) * 1e3:.2f} | {statistics.mean(taken) * 1e3:.2f} | {len(taken)} |"


def work(client: httpx.Client, seconds: float) -> list[float]:
    """Call the API for a while as people's programs do; return seconds of each call."""
    taken: list[float] = []
    end = time.perf_counter() + seconds
    number = 0
    while time.perf_counter() < end:
        number += 1
        for path in ("/v1/sessions", "/v1/resources", "/v1/agents?all_sessions=true"):
            start = time.perf_counter()
            client.get(path).raise_for_status()
            taken.append(time.perf_counter() - start)
        if number % 10 == 0:
            client.delete(f"/v1/sessions/{create(client, 10_000 + number)}").raise_for_status()
    return taken


def measure_views(address: str) -> None:
    print("| view | median s until it can be used | slowest | of the goal of 2 s |\n|---|---|---|---|")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for view, (path, seen) in VIEWS.items():
            taken = []
            for _ in range(5):
                context = browser.new_context(viewport={"width": 1280, "height": 900})
                taken.append(usable_s(context.new_page(), address, path, seen))
                context.close()
            median = statistics.median(taken)
            print(f"| {view} | {median:.2f} | {max(taken):.2f} | {median / GOAL_S:.2f} |")
        browser.close()


def measure_api(address: str, client: httpx.Client) -> None:
    alone, watched = Window(), Window()
    for _ in range(ROUNDS):
        time.sleep(FORGOTTEN_S)
        work(client, 1.0)
        alone.measure(client)
        with open_pages(address, PAGES):
            work(client, 2.0)  # they have just been opened
            watched.measure(client)
    print(f"\n| API calls | median ms | mean ms | calls in {ROUNDS * WINDOW_S:.0f} s |\n|---|---|---|---|")
    print(alone.row("nobody looks"))
    print(watched.row(f"{PAGES} pages are open"))
    median = statistics.median(watched.taken) / statistics.median(alone.taken)
    mean = statistics.mean(watched.taken) / statistics.mean(alone.taken)
    print(
        f"\nWith {PAGES} pages a call takes {median:.2f} of its median time (goal {GOAL_RATIO}), {mean:.2f} of its "
        f"mean; {len(watched.taken) / len(alone.taken):.2f} of the calls pass.\n"
    )
    print(f"| processor time, % of one core | nobody looks | {PAGES} pages are open |\n|---|---|---|")
    share = 100 / (ROUNDS * WINDOW_S)
    for kind, seconds in watched.spent.most_common():
        print(f"| {kind} | {alone.spent[kind] * share:.1f} | {seconds * share:.1f} |")


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m bench monitor", description=__doc__)
    options.parse_args()
    load = os.getloadavg()[0]
    print(f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, load average {load:.1f} at the start\n")
    home = tempfile.mkdtemp(prefix="delegator-bench-")
    try:
        with system(home) as address, httpx.Client(base_url=address, timeout=120, trust_env=False) as client:
            for number in range(OPEN):
                create(client, number)
            print(f"{PAST:,} past sessions, {OPEN} open ones.\n")
            measure_views(address)
            measure_api(address, client)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    print(f"\nCommand: `python -m bench {Path(__file__).stem}`")


if __name__ == "__main__":
    main()
