"""Commands that look at what is and what was: plan, agents, receipt, history, statistics, events, resources, clean-up.

These are made from rows of the table of operations; nothing here but their words. Those that do more have files of
their own: `receipt.py`, `events.py`, `report.py`, `top.py`.
"""

from __future__ import annotations

import typer

from serve_app.cli.commands import RECORD, SYSTEM, TEAM, WORK
from serve_app.cli.events import add_events
from serve_app.cli.operation_commands import OperationCommand
from serve_app.cli.receipt import add_receipt
from serve_app.cli.report import add_report
from serve_app.cli.request_options import TEAM_OPTIONS
from serve_app.cli.sessions import SESSION
from serve_app.cli.top import add_top

COMMANDS = (
    (
        WORK,
        OperationCommand(
            operation="plan_session",
            word="plan",
            about="Show what a session for a task would load, evict and take, without starting anything.",
            arguments={"task_description": "TEXT"},
            names=TEAM_OPTIONS,
            omitted=frozenset({"wait_s"}),
            saying="Planning",
            examples=(
                'delegator plan "Design the event-driven architecture for billing"',
                'delegator plan "Fix typo in README" --json',
                'delegator plan "Implement login" --degradation smaller,merge,wait',
            ),
        ),
    ),
    (
        TEAM,
        OperationCommand(
            operation="list_active_agents",
            word="agents",
            about="List the running agents of a session. Without SESSION: of the only open one.",
            arguments={"session_id": "[SESSION]"},
            names={"all_sessions": "all"},
            saying="Looking for agents",
            examples=("delegator agents", f"delegator agents {SESSION}", "delegator agents --all --json"),
        ),
    ),
    (
        RECORD,
        OperationCommand(
            operation="session_history",
            word="history",
            about="List past sessions in pages, newest first unless sorted otherwise.",
            names={"descending": "descending/--ascending"},
            saying="Reading the history",
            examples=(
                "delegator history",
                "delegator history --date 2025-11-12 --page 2",
                "delegator history --from 2025-11-01 --category hr --text salaries",
                "delegator history --sort duration --ascending --page-size 10",
            ),
        ),
    ),
    (
        RECORD,
        OperationCommand(
            operation="statistics",
            word="statistics",
            about="Show figures over the sessions of a range of days. Without days: of today.",
            saying="Counting",
            examples=("delegator statistics", "delegator statistics --from 2025-11-01 --to 2025-11-30 --json"),
        ),
    ),
    (
        SYSTEM,
        OperationCommand(
            operation="resource_summary",
            word="resources",
            about="Show what is in memory now and what is saved against all roles in memory.",
            saying="Measuring",
            examples=("delegator resources", "delegator resources --json"),
        ),
    ),
    (
        SYSTEM,
        OperationCommand(
            operation="list_alerts",
            word="alerts",
            about="Show what wants somebody's attention now, what did lately, and the rules that are on.",
            saying="Looking for alerts",
            examples=("delegator alerts", "delegator alerts --limit 5 --json"),
        ),
    ),
    (
        SYSTEM,
        OperationCommand(
            operation="cleanup_orphaned_agents",
            word="cleanup",
            about="Look for agents, models and sessions without an owner, and remove them. Also runs by itself.",
            saying="Looking for orphans",
            examples=("delegator cleanup", "delegator cleanup --json"),
        ),
    ),
)


def add_record(program: typer.Typer) -> None:
    """Add these commands to the program."""
    for panel, command in COMMANDS:
        command.add_to(program, panel=panel)
    add_receipt(program)
    add_events(program)
    add_report(program)
    add_top(program)
