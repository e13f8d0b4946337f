"""Notes of systems, as tests need them."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from serve_app.lifecycle.instance import Instance, NotedProcess

ME = NotedProcess.of(os.getpid())
SOMEBODY_LATER = NotedProcess(pid=ME.pid, started=ME.started - 3600)


def noted(home: Path, **changes: Any) -> Instance:
    facts: dict[str, Any] = {
        "instance_id": "0123456789",
        "version": "0.1.0",
        "started_at": datetime(2026, 1, 2, tzinfo=UTC),
        "home": home,
        "logs": home / "logs",
        "host": "127.0.0.1",
        "port": 8000,
        "api_url": "http://127.0.0.1:8000",
        "mcp_url": "http://127.0.0.1:8000/mcp",
        "monitor_url": None,
        "dashboard_url": None,
        "token_file": None,
        "models": "simulated",
        "ollama_url": "http://127.0.0.1:11434",
        "simulator_scale": 10.0,
        "catalogue": "echo",
        "memory_bytes": 64_000_000_000,
        "ray_address": "127.0.0.1:6379",
        "ray_joined": False,
        "serve_started": True,
        "database": "embedded",
        "processes": {"gcs_server": ME, "raylet": ME},
        "environment": {},
    }
    return Instance(**{**facts, **changes})
