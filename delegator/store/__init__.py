"""The record: what happened, in PostgreSQL. `Store` is the way in; rows, SQL and connections stay in this folder."""

from delegator.store.records import (
    AgentRecord,
    MessageRecord,
    NewEvent,
    ResidentRecord,
    SessionRecord,
    StatisticsRow,
    TaskRecord,
    TurnPlan,
)
from delegator.store.store import Store

__all__ = [
    "AgentRecord",
    "MessageRecord",
    "NewEvent",
    "ResidentRecord",
    "SessionRecord",
    "StatisticsRow",
    "Store",
    "TaskRecord",
    "TurnPlan",
]
