"""One engine process as its owner sees it: started, ready, asked, dead."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Self, cast

from delegator.ollama.dialect.options import LoadKey
from delegator.ollama.engine.library import ModelFile

DIED = "llama-server process has terminated: "
"""How Ollama begins to tell of a runner that ended while it loaded."""

_PROGRAM = Path(__file__).with_name("runner_process.py")
_LAST_LINES = 20


class LoadFailed(Exception):
    """The engine could not load the model; the text is what Ollama answers with 500."""


class EngineProcess:
    """A running engine with one model in memory.

    Attributes:
        url: where its HTTP interface is.
        size_bytes: memory that loading took, as the operating system counts it.
        lost: it stopped answering in the middle; nobody has collected it yet.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._told: deque[str] = deque(maxlen=_LAST_LINES)
        self._listening = asyncio.create_task(self._listen())
        self.url = ""
        self.size_bytes = 0
        self.lost = False

    @classmethod
    async def start(cls, model: ModelFile, key: LoadKey, *, parallel: int) -> Self:
        """Start an engine and wait until the model is loaded. Cancelling kills it (item 24).

        Raises:
            LoadFailed: it ended instead.
        """
        command = [sys.executable, "-I", str(_PROGRAM), "--model", str(model.path), "--num-ctx", str(key.num_ctx)]
        command += ["--parallel", str(parallel), "--num-thread", str(max(1, key.num_thread))]
        command += ["--embeds"] if model.embeds else []
        pipe = asyncio.subprocess.PIPE
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=pipe,
                stdout=pipe,
                stderr=pipe,
                start_new_session=True,  # Ctrl-C in a terminal is for us; we end it
            )
        except OSError as exc:
            raise LoadFailed(f"{DIED}{exc}") from exc
        started = cls(process)
        try:
            await started._become_ready()
        except BaseException:
            await started.stop()
            raise
        return started

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.returncode is None and not self.lost

    async def stop(self) -> None:
        """End it now, whatever it does, and wait until its memory is free."""
        with suppress(ProcessLookupError):
            self._process.kill()
        await asyncio.shield(self._process.wait())
        await self._listening

    async def _become_ready(self) -> None:
        line = await cast(asyncio.StreamReader, self._process.stdout).readline()
        if not line:
            code = await self._process.wait()
            await self._listening
            raise LoadFailed(f"{DIED}exit status {code}: {self._reason()}")
        ready = json.loads(line)
        self.url, self.size_bytes = ready["url"], ready["size_bytes"]

    async def _listen(self) -> None:
        """Read what it complains of, so that it never waits for a reader."""
        async for line in cast(asyncio.StreamReader, self._process.stderr):
            self._told.append(line.decode("utf-8", "replace").strip())

    def _reason(self) -> str:
        """Return the first complaint; llama.cpp puts a time and a letter in front, Python puts its reason last."""
        complaints = [line for line in self._told if " E " in line]
        first = complaints[0].split(" E ", 1)[1] if complaints else self._told[-1] if self._told else "no reason given"
        return " ".join(first.split())
