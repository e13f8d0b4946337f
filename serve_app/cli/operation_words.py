"""Which command stands for which operation, so that hints written for every face read right on this one.

Owns only the pairs; a test holds them against the table of operations and against the commands.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

COMMAND_OF: Mapping[str, str] = {
    "analyze_task": "analyze",
    "evaluate_analysis": "analysis evaluate",
    "retrain_analysis": "analysis retrain",
    "reset_analysis": "analysis reset",
    "list_analysis_versions": "analysis versions",
    "plan_session": "plan",
    "create_session": "session create",
    "answer_question": "session answer",
    "get_session": "session show",
    "list_active_sessions": "session list",
    "end_session": "session end",
    "give_feedback": "session feedback",
    "get_receipt": "receipt",
    "add_agent_to_session": "session add",
    "remove_agent_from_session": "session remove",
    "list_active_agents": "agents",
    "restart_agent": "agent restart",
    "delegate_task": "task start",
    "get_task": "task show",
    "cancel_task": "task cancel",
    "send_message": "ask",
    "list_models": "models list",
    "pull_model": "models pull",
    "get_pull": "models progress",
    "cancel_pull": "models cancel",
    "remove_model": "models remove",
    "load_model": "models load",
    "unload_model": "models unload",
    "pin_model": "models pin",
    "unpin_model": "models unpin",
    "fit_models": "models fit",
    "session_history": "history",
    "statistics": "statistics",
    "resource_summary": "resources",
    "list_roles": "roles",
    "list_events": "events",
    "list_alerts": "alerts",
    "cleanup_orphaned_agents": "cleanup",
}

_COMPOUND = re.compile(rf"\b({'|'.join(name for name in COMMAND_OF if '_' in name)})\b")
"""Names that cannot be anything but operations; `statistics` is a plain word too."""


def in_commands(text: str) -> str:
    """Return `text` with the names of operations replaced by the commands that do them."""
    return _COMPOUND.sub(lambda found: f"delegator {COMMAND_OF[found[0]]}", text)
