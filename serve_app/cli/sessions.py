"""`delegator session`: create, look at, change and end sessions."""

from __future__ import annotations

from serve_app.cli.commands import TEAM, group
from serve_app.cli.operation_commands import OperationCommand
from serve_app.cli.request_options import TEAM_OPTIONS

SESSION = "session_20251112_143022_84329"
"""An id for examples."""

COMMANDS = (
    OperationCommand(
        operation="create_session",
        word="create",
        about="Create a session: analyze a task, start the agents it needs, load their models. It waits for work.",
        arguments={"task_description": "TEXT"},
        names=TEAM_OPTIONS,
        saying="Starting the team",
        examples=(
            'delegator session create "Add user authentication feature"',
            'delegator session create "Implement login" --priority high --deadline 2025-12-01',
            'delegator session create "Test monitoring" --category quick_fix --json',
            "delegator session create --plan-id plan_20251112_143022_0084329517",
            'delegator session create "Implement login" --degradation smaller,wait',
            'delegator session create "Make the login better" --ask',
        ),
    ),
    OperationCommand(
        operation="answer_question",
        word="answer",
        about="Answer the question of a session that waits for it. ANSWER is an option, any task type, or yes.",
        arguments={"session_id": "SESSION", "answer": "ANSWER"},
        saying="Starting the team",
        examples=(
            f"delegator session answer {SESSION} feature_development",
            f"delegator session answer {SESSION} yes",
        ),
    ),
    OperationCommand(
        operation="list_active_sessions",
        word="list",
        about="List the open sessions, newest first.",
        saying="Looking for sessions",
        examples=("delegator session list", "delegator session list --json"),
    ),
    OperationCommand(
        operation="get_session",
        word="show",
        about="Show one session, open or ended: status, team, models, tasks and limits.",
        arguments={"session_id": "SESSION"},
        saying="Looking at the session",
        examples=(f"delegator session show {SESSION}",),
    ),
    OperationCommand(
        operation="add_agent_to_session",
        word="add",
        about="Take one more role into an open session. Its model is loaded if it is not in memory.",
        arguments={"session_id": "SESSION", "agent_role": "ROLE"},
        saying="Starting the agent",
        examples=(f'delegator session add {SESSION} ceo --reason "Strategic approval"',),
    ),
    OperationCommand(
        operation="remove_agent_from_session",
        word="remove",
        about="Dismiss a role from an open session. Its model leaves memory if nobody else holds it.",
        arguments={"session_id": "SESSION", "agent_role": "ROLE"},
        saying="Ending the agent",
        examples=(f'delegator session remove {SESSION} test_lead --reason "Testing completed"',),
    ),
    OperationCommand(
        operation="give_feedback",
        word="feedback",
        about="Say how well a task was read: rating, right type, roles missing or needless. analysis retrain learns.",
        arguments={"session_id": "SESSION"},
        names={"right_type": "right-type", "missing_roles": "missing", "needless_roles": "needless"},
        saying="Recording",
        examples=(
            f"delegator session feedback {SESSION} --rating 2 --right-type operations --missing cto",
            f'delegator session feedback {SESSION} --needless test_lead --comment "Nothing to test here"',
        ),
    ),
    OperationCommand(
        operation="end_session",
        word="end",
        about="End a session, free its memory and show its receipt. Without SESSION: the only open one.",
        arguments={"session_id": "[SESSION]"},
        saying="Ending the session",
        examples=("delegator session end", f"delegator session end {SESSION}"),
    ),
)

app = group("session", "Create, look at, change and end sessions.")
for command in COMMANDS:
    command.add_to(app)
PANEL = TEAM
