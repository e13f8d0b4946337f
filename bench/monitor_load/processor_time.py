"""Processor time of the processes of a running system, by what they are."""

from __future__ import annotations

import os

import psutil

KINDS = {
    "delegator.ollama.simulator": "simulated Ollama",
    "bench.monitor_load.pages": "the pages' own",
    "ray::ServeReplica:delegator-monitor": "monitor replica",
    "ray::ServeReplica:delegator:api": "API replica",
    "ray::ProxyActor": "Serve's proxy",
    "ray::SessionManager": "`SessionManager`",
    "ray::ModelHost": "`ModelHost`",
    "ray::Agent": "agents",
    "ray::": "Serve's controller, Ray's agents",
    "postgres": "PostgreSQL",
    "gcs_server": "raylet, GCS",
    "raylet": "raylet, GCS",
}
"""{what a command line has in it: what the process is}; the first that fits."""

Seconds = dict[int, tuple[str, float]]


def seconds_so_far() -> Seconds:
    """Return {process id: what it is, processor seconds since it began}, for those of the table and this one."""
    found: Seconds = {}
    for process in psutil.process_iter():
        try:
            times, line = process.cpu_times(), " ".join(process.cmdline())
        except psutil.Error:
            continue
        kind = next((kind for mark, kind in KINDS.items() if mark in line[:300]), None)
        if process.pid == os.getpid():
            kind = "who calls the API"
        if kind is not None:
            found[process.pid] = (kind, times.user + times.system)
    return found


def spent(before: Seconds, after: Seconds) -> dict[str, float]:
    """Return {what it is: processor seconds between the two}."""
    sums: dict[str, float] = {}
    for number, (kind, seconds) in after.items():
        sums[kind] = sums.get(kind, 0.0) + seconds - before.get(number, (kind, 0.0))[1]
    return sums
