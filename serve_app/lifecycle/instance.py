"""The note that `up` leaves about what it started: `instance.json` in the home folder.

Owns writing, reading and believing it: a note proves nothing until its processes are seen to live.
"""

from __future__ import annotations

import json
import os
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Literal

import psutil
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from actors import processes
from delegator.endpoints import FIRST_ID
from serve_app.lifecycle.home import Home

_SAME_S = 1.0
"""Start times of one process, read twice, differ by rounding at most."""


class NotedProcess(BaseModel):
    """One process, told from a later one with the same number by its start."""

    model_config = ConfigDict(frozen=True)

    pid: int
    started: float = Field(description="Seconds since 1970.")

    @classmethod
    def of(cls, pid: int) -> NotedProcess:
        """Note a living process. Raises psutil.NoSuchProcess."""
        return cls(pid=pid, started=psutil.Process(pid).create_time())

    def alive(self) -> bool:
        try:
            process = psutil.Process(self.pid)
            return not processes.is_gone(process) and abs(process.create_time() - self.started) < _SAME_S
        except psutil.Error:
            return False


class NotedEndpoint(BaseModel):
    """One Ollama endpoint: what it is called in the record, and where it answers."""

    model_config = ConfigDict(frozen=True)

    endpoint_id: str
    url: str


class Instance(BaseModel):
    """A running Delegator: where it answers and what it consists of."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    instance_id: str
    version: str
    started_at: datetime
    home: Path
    logs: Path

    host: str
    port: int
    api_url: str
    mcp_url: str
    monitor_url: str | None
    dashboard_url: str | None
    metrics_url: str | None = Field(None, description="Where Prometheus is answered; None: by the joined Ray.")
    token_file: Path | None = Field(description="Holds the token that our Ray's dashboard asks for; None: joined.")

    models: Literal["ollama", "simulated"]
    ollama_url: str = Field(description="Where the models answer: Ollama, or the simulator; the first of several.")
    endpoints: tuple[NotedEndpoint, ...] = Field((), description="All of them; empty in an older note.")
    simulator_scale: float | None = Field(description="Model seconds a real second; None: real models.")
    catalogue: str
    memory_bytes: int = Field(description="Memory for models.")

    ray_address: str
    ray_joined: bool = Field(description="Somebody else started this Ray: it stays when Delegator goes.")
    serve_started: bool = Field(description="Ray Serve was not running before.")
    database: Literal["embedded", "external"]

    processes: dict[str, NotedProcess] = Field(description="{part: process} of the parts on this machine.")
    environment: dict[str, str] = Field(
        description="Variables with which other programs (ray status, serve status) reach this Ray."
    )
    notices: tuple[str, ...] = Field((), description="What the user should know about this start.")
    already: bool = Field(False, exclude=True, description="`up` found it running.")

    @property
    def simulated(self) -> bool:
        return self.models == "simulated"

    @property
    def endpoint_urls(self) -> dict[str, str]:
        """Return `{endpoint id: URL}`."""
        return {e.endpoint_id: e.url for e in self.endpoints} or {FIRST_ID: self.ollama_url}

    def ray_lives(self) -> bool:
        """Return whether the Ray of this note still runs. Of a joined one only its address is known: True."""
        return self.ray_joined or not {"gcs_server", "raylet"} & set(self.dead_parts())

    def dead_parts(self) -> list[str]:
        """Return the parts whose processes have ended."""
        return [part for part, process in self.processes.items() if not process.alive()]


def read_instance(home: Path) -> Instance | None:
    """Return what `up` noted in this home folder, whether or not it still runs; None when there is no such note."""
    try:
        return Instance.model_validate_json(Home(home).instance_file.read_bytes())
    except (OSError, ValidationError):
        return None


def write_instance(instance: Instance) -> None:
    """Write the note, all or nothing, for its user's eyes only."""
    file = Home(instance.home).instance_file
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=".instance-")  # mode 600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump(instance.model_dump(mode="json"), stream, indent=2)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def remove_instance(home: Path) -> None:
    """Remove the note."""
    Home(home).instance_file.unlink(missing_ok=True)
