"""`delegator events`: as it is, and followed over filters, a quiet log and a system that goes away."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from delegator import errors
from delegator import schemas as s
from tests.serve_app.cli.conftest import Ended
from tests.serve_app.samples import NOW, SESSION, CannedBackend

UP_S = 30


class Log:
    """An event log that grows while it is read, answering as the system does."""

    def __init__(self, *kinds: s.EventKind) -> None:
        self.events: list[s.Event] = []
        self.read = threading.Event()
        self.away = 0
        for kind in kinds:
            self.add(kind)

    def add(self, kind: s.EventKind) -> None:
        number = len(self.events) + 1
        self.events.append(
            s.Event(event_id=number, at=NOW + timedelta(seconds=number), kind=kind, session_id=SESSION, by="monitor")
        )

    def answer(self, request: s.ListEventsRequest) -> s.ListEventsReply | Exception:
        self.read.set()
        if self.away:
            self.away -= 1
            return errors.Unavailable("the session manager is restarting")
        found = [
            e for e in self.events if e.event_id > request.after and (not request.kinds or e.kind in request.kinds)
        ]
        found = found[-request.limit :] if request.latest else found[: request.limit]
        return s.ListEventsReply(events=found, next_after=found[-1].event_id if found else request.after)


def lines(following: subprocess.Popen[str], count: int) -> list[dict[str, Any]]:
    assert following.stdout is not None
    return [json.loads(following.stdout.readline()) for _ in range(count)]


def stop(following: subprocess.Popen[str]) -> None:
    following.send_signal(signal.SIGINT)
    assert following.wait(UP_S) == 0


def test_without_follow_it_is_the_operation(online: Callable[..., Ended], backend: CannedBackend) -> None:
    ended = online("events", "--kind", "task_failed,alert_raised", "--latest", "--json")

    assert ended.code == 0, ended.err
    assert set(ended.json) == {"events", "next_after"}
    ((_, request),) = backend.asked
    assert isinstance(request, s.ListEventsRequest)
    assert request.kinds == (s.EventKind.TASK_FAILED, s.EventKind.ALERT_RAISED)


def test_following_tells_each_event_once_also_over_a_restart(
    process: Callable[..., subprocess.Popen[str]], address: str, backend: CannedBackend
) -> None:
    log = Log(s.EventKind.SESSION_CREATED, s.EventKind.SESSION_READY)
    backend.answers["list_events"] = log.answer
    with process("events", "--follow", "--json", "--url", address) as following:
        assert [line["event_id"] for line in lines(following, 2)] == [1, 2]
        log.add(s.EventKind.TASK_QUEUED)
        assert [line["event_id"] for line in lines(following, 1)] == [3]
        log.away = 2
        log.add(s.EventKind.TASK_STARTED)
        log.add(s.EventKind.TASK_COMPLETED)
        assert [line["event_id"] for line in lines(following, 2)] == [4, 5]
        stop(following)


def test_following_keeps_its_filter_and_begins_with_what_is_new(
    process: Callable[..., subprocess.Popen[str]], address: str, backend: CannedBackend
) -> None:
    log = Log(s.EventKind.SESSION_CREATED)
    backend.answers["list_events"] = log.answer
    with process("events", "-f", "--kind", "task_failed", "--url", address) as following:
        assert log.read.wait(UP_S)

        log.add(s.EventKind.TASK_STARTED)
        log.add(s.EventKind.TASK_FAILED)

        assert following.stdout is not None
        line = following.stdout.readline()
        stop(following)
    assert "task_failed" in line
    assert "by monitor" in line
    assert SESSION in line
