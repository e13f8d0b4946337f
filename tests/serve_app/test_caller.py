"""Who calls: what callers say of themselves, cleaned, and how every face hands it on."""

from __future__ import annotations

import asyncio
import getpass
from typing import Any

import httpx
import pytest
from mcp import Client as McpClient
from mcp_types import Implementation

from delegator import schemas as s
from serve_app import caller
from serve_app.client import AsyncClient, Client
from serve_app.mcp import at_once, build_mcp
from serve_app.operations import BY_NAME, OPERATIONS, on_face
from tests.serve_app.samples import REPLIES, SESSION, CannedBackend

CONTROLS = {
    *("end_session", "cancel_task", "add_agent_to_session", "remove_agent_from_session", "restart_agent"),
    *("load_model", "unload_model", "pin_model", "unpin_model", "pull_model", "cancel_pull", "remove_model"),
    *("cleanup_orphaned_agents", "answer_question", "reset_analysis"),
}


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("anna", "anna"),
        ("  two \t lines\r\n here\x00 ", "two lines here"),
        ("\u202egnp.exe\u2066", "gnp.exe"),
        ("<b>x</b>", "<b>x</b>"),
        ("\ud800", ""),
        ("Jürgen 山田 🙂", "Jürgen 山田 🙂"),
        ("x" * 5000, "x" * 100),
        ("", ""),
    ],
)
def test_whatever_is_told_becomes_a_short_printable_line(told: str, kept: str):
    assert caller.cleaned(told) == kept
    assert len(caller.over_mcp(told)) <= caller.LONGEST
    assert caller.over_mcp(told).startswith("mcp")


def test_who_calls_holds_for_what_is_begun_meanwhile_and_no_longer():
    assert caller.current() == ""
    with caller.calling("outer"):
        with caller.calling("inner"):
            assert caller.current() == "inner"
        assert caller.current() == "outer"
    assert caller.current() == ""


@pytest.mark.parametrize(
    ("header", "name"),
    [
        (None, "http"),
        (b"", "http"),
        (b"my \t script", "my script"),
        ("Jürgen".encode(), "Jürgen"),
        (b"\xff", "\ufffd"),
    ],
)
def test_over_http_a_header_names_the_caller(address: str, backend: CannedBackend, header: bytes | None, name: str):
    seen = heard(backend)
    headers = {} if header is None else {caller.HEADER.encode(): header}

    assert httpx.delete(f"{address}/v1/sessions/current", headers=headers).is_success

    assert seen == [name]


async def test_the_client_says_who_it_is_or_who_calls_through_it(address: str, backend: CannedBackend):
    seen = heard(backend)
    with Client(address, calls_as="nightly\njob") as client:
        await asyncio.to_thread(client.end_session)
    async with AsyncClient(address) as plain, AsyncClient(address, calls_as="cli: Jürgen") as named:
        await plain.end_session()
        await named.end_session()
        with caller.calling("mcp: some chat"):
            await named.end_session()

    assert seen == ["nightly job", "http", "cli: Jürgen", "mcp: some chat"]


@pytest.mark.parametrize(("wire", "name"), [("legacy", "mcp"), ("2026-07-28", "mcp: claude-code")])
async def test_over_mcp_on_http_the_client_is_known_where_each_call_tells_it(
    address: str, backend: CannedBackend, wire: Any, name: str
):
    seen = heard(backend)
    info = Implementation(name="claude-code", version="1")
    async with McpClient(f"{address}/mcp", mode=wire, client_info=info) as client:
        await client.call_tool("end_session", {"session_id": SESSION})

    assert seen == [name]


async def test_over_mcp_with_a_connection_the_client_is_known(backend: CannedBackend):
    seen = heard(backend)
    info = Implementation(name="claude\u202e-code", version="1")
    async with McpClient(build_mcp(at_once(backend)), client_info=info) as client:
        await client.call_tool("end_session", {})

    assert seen == ["mcp: claude -code"]


def test_the_command_line_says_the_login_name(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(getpass, "getuser", lambda: "anna")
    assert caller.at_the_command_line() == "cli: anna"

    def nobody() -> str:
        raise OSError("no name")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert caller.at_the_command_line() == "cli"


def test_what_acts_by_hand_on_what_runs_is_a_control_and_nothing_else():
    controls = {operation.name for operation in OPERATIONS if operation.control}

    assert controls == CONTROLS & BY_NAME.keys()
    assert controls >= CONTROLS - {"load_model", "unload_model", "pin_model", "unpin_model"}
    assert not any(operation.read_only for operation in on_face("http") if operation.control)


def heard(backend: CannedBackend) -> list[str]:
    """Return where it is noted who ends sessions."""
    seen: list[str] = []

    def note(_request: s.Request) -> s.Reply:
        seen.append(caller.current())
        return REPLIES["end_session"]

    backend.answers["end_session"] = note
    return seen
