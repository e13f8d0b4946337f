"""An actor in the SessionManager's place, for tests of what stands before it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from delegator import errors
from delegator import schemas as s
from tests.serve_app.samples import REPLIES


class StandIn:
    """Takes the place and the name of the SessionManager; what it did is in files, so that it survives its process."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)

    async def ping(self) -> None:
        """Answer."""

    async def pid(self) -> int:
        return os.getpid()

    async def change(self, name: str, request: s.Request, by: str) -> s.Reply:
        (self._folder / "change").write_text(f"{name} {by}")
        reply: s.Reply = await getattr(self, name)(request)
        return reply

    async def control(self, name: str, request: s.Request, by: str) -> s.Reply:
        (self._folder / "control").write_text(f"{name} {by}")
        return REPLIES[name]

    async def list_active_sessions(self, _request: s.NoInput) -> s.Reply:
        return REPLIES["list_active_sessions"]

    async def analyze_task(self, _request: s.AnalyzeTaskRequest) -> s.Reply:
        return REPLIES["analyze_task"]

    async def get_session(self, request: s.SessionRef) -> s.Reply:
        raise errors.SessionNotFound(request.session_id)

    async def get_receipt(self, _request: s.SessionRef) -> s.Reply:
        raise ZeroDivisionError("secret detail")

    async def get_task(self, _request: s.GetTaskRequest) -> s.Reply:
        await asyncio.Event().wait()
        raise AssertionError

    async def create_session(self, _request: s.CreateSessionRequest) -> s.Reply:
        # Two FIFOs: it goes on when the test has read the first, and again when the test has written the second.
        await asyncio.to_thread((self._folder / "begun").write_text, "begun")
        await asyncio.to_thread((self._folder / "go").read_text)
        (self._folder / "created").touch()
        return REPLIES["create_session"]
