"""`delegator agent`: what is done to one running agent, whichever sessions it works for."""

from __future__ import annotations

from serve_app.cli.commands import group
from serve_app.cli.operation_commands import OperationCommand

COMMANDS = (
    OperationCommand(
        operation="restart_agent",
        word="restart",
        about="Replace the process of a running agent. A turn that was open is taken again.",
        arguments={"agent_role": "ROLE"},
        saying="Restarting the agent",
        examples=('delegator agent restart test_lead --reason "It does not answer"',),
    ),
)

app = group("agent", "Restart an agent.")
for command in COMMANDS:
    command.add_to(app)
