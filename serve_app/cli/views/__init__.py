"""What each reply looks like to people: `view_of(reply)` gives the parts to print.

Owns the choice of the view by the type of the reply; the views themselves are in the files beside this one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rich.console import RenderableType

from delegator import schemas as s
from serve_app.cli.views import alerts, analysis, learning, models, record, sessions, system, work
from serve_app.cli.views.receipt import receipt
from serve_app.cli.views.statistics import statistics

View = Callable[[Any], list[RenderableType]]

VIEWS: Mapping[type[s.Reply], View] = {
    s.TaskAnalysis: analysis.analysis,
    s.AnalysisEvaluation: learning.evaluation,
    s.RetrainAnalysisReply: learning.retrained,
    s.ResetAnalysisReply: learning.reset,
    s.ListAnalysisVersionsReply: learning.versions,
    s.GiveFeedbackReply: learning.feedback,
    s.PlanSessionReply: analysis.plan,
    s.CreateSessionReply: sessions.created,
    s.SessionView: sessions.session,
    s.ListActiveSessionsReply: sessions.active,
    s.EndSessionReply: sessions.ended,
    s.AddAgentReply: sessions.agent_added,
    s.RemoveAgentReply: sessions.agent_removed,
    s.ListActiveAgentsReply: system.agents,
    s.RestartAgentReply: sessions.agent_restarted,
    s.TaskView: work.task,
    s.SendMessageReply: work.message,
    s.Receipt: receipt,
    s.SessionHistoryReply: record.history,
    s.StatisticsReply: statistics,
    s.ListEventsReply: record.events,
    s.ResourceSummaryReply: system.resources,
    s.ListRolesReply: system.roles,
    s.CleanupReply: system.cleanup,
    s.ListAlertsReply: alerts.alerts,
    s.ListModelsReply: models.models,
    s.Pull: models.pulled,
    s.PullsReply: models.several,
    s.RemoveModelReply: models.removed,
    s.ModelControlReply: models.controlled,
    s.FitModelsReply: models.fit,
}
"""Every reply that a command can get; a test holds this against the table of operations."""

UNMARKED = frozenset(
    {
        s.ListActiveSessionsReply,
        s.ListActiveAgentsReply,
        s.AddAgentReply,
        s.RemoveAgentReply,
        s.SessionHistoryReply,
        s.StatisticsReply,
    }
)
"""Replies with sizes or seconds that do not say themselves whether these are simulated."""


def view_of(reply: s.Reply) -> list[RenderableType]:
    """Return the parts that show `reply`, in order."""
    return VIEWS[type(reply)](reply)
