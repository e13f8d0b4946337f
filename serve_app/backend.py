"""What every face needs from the system behind it: one async method per operation.

Owns only the contract. `gateway.py` fulfils it inside the cluster, over the SessionManager actor; `client.py` fulfils
it from anywhere, over HTTP. The rules are neither here nor there, but in `delegator/` and `actors/`.
"""

from __future__ import annotations

from typing import Protocol

from delegator.schemas import (
    AddAgentReply,
    AddAgentRequest,
    AnalysisEvaluation,
    AnalyzeTaskRequest,
    AnswerQuestionRequest,
    CleanupReply,
    CreateSessionReply,
    CreateSessionRequest,
    DelegateTaskRequest,
    EndSessionReply,
    FitModelsReply,
    FitModelsRequest,
    GetPullRequest,
    GetTaskRequest,
    GiveFeedbackReply,
    GiveFeedbackRequest,
    ListActiveAgentsReply,
    ListActiveSessionsReply,
    ListAgentsRequest,
    ListAnalysisVersionsReply,
    ListEventsReply,
    ListEventsRequest,
    ListModelsReply,
    ListRolesReply,
    ModelRef,
    NoInput,
    OptionalSessionRef,
    PlanSessionReply,
    PlanSessionRequest,
    Pull,
    PullModelRequest,
    Receipt,
    RemoveAgentReply,
    RemoveAgentRequest,
    RemoveModelReply,
    ResetAnalysisReply,
    ResetAnalysisRequest,
    ResourceSummaryReply,
    RetrainAnalysisReply,
    RetrainAnalysisRequest,
    SendMessageReply,
    SendMessageRequest,
    SessionHistoryReply,
    SessionHistoryRequest,
    SessionRef,
    SessionView,
    StatisticsReply,
    StatisticsRequest,
    TaskAnalysis,
    TaskRef,
    TaskView,
)


class Backend(Protocol):
    """The running system as a face sees it.

    Every method raises a `DelegatorError` for whatever the caller is meant to read, and nothing else but bugs.
    """

    async def analyze_task(self, request: AnalyzeTaskRequest, /) -> TaskAnalysis: ...
    async def evaluate_analysis(self, request: NoInput, /) -> AnalysisEvaluation: ...
    async def retrain_analysis(self, request: RetrainAnalysisRequest, /) -> RetrainAnalysisReply: ...
    async def reset_analysis(self, request: ResetAnalysisRequest, /) -> ResetAnalysisReply: ...
    async def list_analysis_versions(self, request: NoInput, /) -> ListAnalysisVersionsReply: ...
    async def plan_session(self, request: PlanSessionRequest, /) -> PlanSessionReply: ...
    async def create_session(self, request: CreateSessionRequest, /) -> CreateSessionReply: ...
    async def answer_question(self, request: AnswerQuestionRequest, /) -> CreateSessionReply: ...
    async def get_session(self, request: SessionRef, /) -> SessionView: ...
    async def list_active_sessions(self, request: NoInput, /) -> ListActiveSessionsReply: ...
    async def end_session(self, request: OptionalSessionRef, /) -> EndSessionReply: ...
    async def give_feedback(self, request: GiveFeedbackRequest, /) -> GiveFeedbackReply: ...
    async def add_agent_to_session(self, request: AddAgentRequest, /) -> AddAgentReply: ...
    async def remove_agent_from_session(self, request: RemoveAgentRequest, /) -> RemoveAgentReply: ...
    async def list_active_agents(self, request: ListAgentsRequest, /) -> ListActiveAgentsReply: ...
    async def send_message(self, request: SendMessageRequest, /) -> SendMessageReply: ...
    async def delegate_task(self, request: DelegateTaskRequest, /) -> TaskView: ...
    async def get_task(self, request: GetTaskRequest, /) -> TaskView: ...
    async def cancel_task(self, request: TaskRef, /) -> TaskView: ...
    async def list_models(self, request: NoInput, /) -> ListModelsReply: ...
    async def pull_model(self, request: PullModelRequest, /) -> Pull: ...
    async def get_pull(self, request: GetPullRequest, /) -> Pull: ...
    async def cancel_pull(self, request: ModelRef, /) -> Pull: ...
    async def remove_model(self, request: ModelRef, /) -> RemoveModelReply: ...
    async def fit_models(self, request: FitModelsRequest, /) -> FitModelsReply: ...
    async def get_receipt(self, request: SessionRef, /) -> Receipt: ...
    async def session_history(self, request: SessionHistoryRequest, /) -> SessionHistoryReply: ...
    async def statistics(self, request: StatisticsRequest, /) -> StatisticsReply: ...
    async def resource_summary(self, request: NoInput, /) -> ResourceSummaryReply: ...
    async def list_roles(self, request: NoInput, /) -> ListRolesReply: ...
    async def list_events(self, request: ListEventsRequest, /) -> ListEventsReply: ...
    async def cleanup_orphaned_agents(self, request: NoInput, /) -> CleanupReply: ...


class Probe(Protocol):
    """A backend that can say whether it would answer now."""

    async def ping(self) -> None:
        """Return when the system behind takes calls.

        Raises:
            Unavailable: it does not, and why.
        """
