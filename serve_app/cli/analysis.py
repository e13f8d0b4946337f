"""`delegator analysis`: what use has taught about the reading of tasks, learning from it, and going back."""

from __future__ import annotations

from serve_app.cli.commands import group
from serve_app.cli.operation_commands import OperationCommand

COMMANDS = (
    OperationCommand(
        operation="evaluate_analysis",
        word="evaluate",
        about="Show how the reading does on what history says, and what retraining would change. Changes nothing.",
        saying="Reading the history",
        examples=("delegator analysis evaluate", "delegator analysis evaluate --json"),
    ),
    OperationCommand(
        operation="retrain_analysis",
        word="retrain",
        about="Learn from history. Without --apply it only shows what would change; the shipped weights stay.",
        saying="Learning",
        examples=("delegator analysis retrain", "delegator analysis retrain --apply"),
    ),
    OperationCommand(
        operation="reset_analysis",
        word="reset",
        about="Go back to the shipped reading, or to an earlier version. Lessons and versions are kept.",
        saying="Going back",
        examples=("delegator analysis reset", "delegator analysis reset --to 3"),
    ),
    OperationCommand(
        operation="list_analysis_versions",
        word="versions",
        about="List the versions of what was learned, newest first.",
        saying="Looking",
        examples=("delegator analysis versions", "delegator analysis versions --json"),
    ),
)

app = group("analysis", "Learn from use how tasks are read, see what that changes, and go back.")
for command in COMMANDS:
    command.add_to(app)
