"""Every operation of the table as a typed method, written once for whoever can do operations.

Owns the methods' types; `operations.py` owns what they are. A class that inherits `Calls` and has `call(operation,
request)` gets them all: `Client` plainly, `AsyncClient` and `Gateway` awaitably, as `Backend` wants them. A test holds
this list against the table.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Coroutine
from typing import Any, Generic, Protocol, Self, TypeVar, overload

from pydantic import ValidationError

from delegator import schemas as s
from serve_app import faults
from serve_app.operations import BY_NAME, Operation

RequestT = TypeVar("RequestT", bound=s.Request)
ReplyT = TypeVar("ReplyT", bound=s.Reply)
AskedT_contra = TypeVar("AskedT_contra", bound=s.Request, contravariant=True)
AnswerT_co = TypeVar("AnswerT_co", covariant=True)


class Method(Protocol[AskedT_contra, AnswerT_co]):
    """One operation, asked with its request model or with the fields of it."""

    def __call__(self, request: AskedT_contra | None = None, /, **fields: Any) -> AnswerT_co:
        """Do it. Raises InvalidInput: a field is wrong; and whatever else the operation raises."""


class PlainCaller(ABC):
    """Does operations while its caller waits."""

    @abstractmethod
    def call(self, operation: Operation, request: s.Request) -> s.Reply:
        """Do one operation of the table."""


class AsyncCaller(ABC):
    """Does operations in an event loop."""

    @abstractmethod
    async def call(self, operation: Operation, request: s.Request) -> s.Reply:
        """Do one operation of the table."""


class Call(Generic[RequestT, ReplyT]):
    """One operation as a method of a caller."""

    def __init__(self, request: type[RequestT], reply: type[ReplyT]) -> None:
        self.request, self.reply = request, reply

    def __set_name__(self, owner: type, name: str) -> None:
        self.operation = BY_NAME[name]
        self.__doc__ = self.operation.description

    @overload
    def __get__(self, caller: None, owner: type) -> Self: ...
    @overload
    def __get__(self, caller: PlainCaller, owner: type) -> Method[RequestT, ReplyT]: ...
    @overload
    def __get__(self, caller: AsyncCaller, owner: type) -> Method[RequestT, Coroutine[Any, Any, ReplyT]]: ...
    def __get__(self, caller: PlainCaller | AsyncCaller | None, owner: type) -> Any:
        if caller is None:
            return self

        def call(request: RequestT | None = None, /, **fields: Any) -> Any:
            if request is not None and fields:
                raise TypeError(f"{self.operation.name} takes a request or its fields, not both")
            return caller.call(self.operation, self._request(fields) if request is None else request)

        call.__name__, call.__doc__ = self.operation.name, self.operation.description
        return call

    def _request(self, fields: dict[str, Any]) -> RequestT:
        try:
            return self.request.model_validate(fields)
        except ValidationError as exc:
            raise faults.invalid_input(exc, known=self.operation.field_names) from None


class Calls:
    """The operations of the HTTP interface, in the order of the table."""

    analyze_task = Call(s.AnalyzeTaskRequest, s.TaskAnalysis)
    evaluate_analysis = Call(s.NoInput, s.AnalysisEvaluation)
    retrain_analysis = Call(s.RetrainAnalysisRequest, s.RetrainAnalysisReply)
    reset_analysis = Call(s.ResetAnalysisRequest, s.ResetAnalysisReply)
    list_analysis_versions = Call(s.NoInput, s.ListAnalysisVersionsReply)
    plan_session = Call(s.PlanSessionRequest, s.PlanSessionReply)
    create_session = Call(s.CreateSessionRequest, s.CreateSessionReply)
    answer_question = Call(s.AnswerQuestionRequest, s.CreateSessionReply)
    get_session = Call(s.SessionRef, s.SessionView)
    list_active_sessions = Call(s.NoInput, s.ListActiveSessionsReply)
    end_session = Call(s.OptionalSessionRef, s.EndSessionReply)
    get_receipt = Call(s.SessionRef, s.Receipt)
    give_feedback = Call(s.GiveFeedbackRequest, s.GiveFeedbackReply)
    add_agent_to_session = Call(s.AddAgentRequest, s.AddAgentReply)
    remove_agent_from_session = Call(s.RemoveAgentRequest, s.RemoveAgentReply)
    list_active_agents = Call(s.ListAgentsRequest, s.ListActiveAgentsReply)
    restart_agent = Call(s.RestartAgentRequest, s.RestartAgentReply)
    delegate_task = Call(s.DelegateTaskRequest, s.TaskView)
    get_task = Call(s.GetTaskRequest, s.TaskView)
    cancel_task = Call(s.TaskRef, s.TaskView)
    send_message = Call(s.SendMessageRequest, s.SendMessageReply)
    list_models = Call(s.NoInput, s.ListModelsReply)
    pull_model = Call(s.PullModelRequest, s.Pull)
    get_pull = Call(s.GetPullRequest, s.Pull)
    cancel_pull = Call(s.ModelRef, s.Pull)
    remove_model = Call(s.ModelRef, s.RemoveModelReply)
    load_model = Call(s.ModelControlRequest, s.ModelControlReply)
    unload_model = Call(s.ModelControlRequest, s.ModelControlReply)
    pin_model = Call(s.ModelControlRequest, s.ModelControlReply)
    unpin_model = Call(s.ModelControlRequest, s.ModelControlReply)
    fit_models = Call(s.FitModelsRequest, s.FitModelsReply)
    session_history = Call(s.SessionHistoryRequest, s.SessionHistoryReply)
    statistics = Call(s.StatisticsRequest, s.StatisticsReply)
    resource_summary = Call(s.NoInput, s.ResourceSummaryReply)
    list_roles = Call(s.NoInput, s.ListRolesReply)
    list_events = Call(s.ListEventsRequest, s.ListEventsReply)
    list_alerts = Call(s.ListAlertsRequest, s.ListAlertsReply)
    cleanup_orphaned_agents = Call(s.NoInput, s.CleanupReply)
