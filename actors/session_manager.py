"""The `SessionManager`: a named, detached actor that owns sessions, leases, tasks and events.

One method per operation, named like it; the faces reach the system through these alone, with whatever changes anything
by way of `change` or `control`, which know who calls. Its memory is a cache: what it says has happened is in the store,
and after any crash it rebuilds itself from there, takes its agents and model hosts over by their names, and goes on
where it was. The work is done by its parts: `session_book.py`, `team_changes.py`, `task_runner.py`, `queries.py`,
`reconciler.py`, `recorder.py`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import ray
from ray.exceptions import RayError

from actors import acting, agent_work, views
from actors.alerts import Alerts
from actors.analysis_learning import AnalysisLearning
from actors.claimant import Claimant
from actors.controls import Controls
from actors.feedback import Feedback
from actors.metering import Metering
from actors.model_controls import ModelControls
from actors.model_library import ModelLibrary
from actors.parts import OpenSession, Parts
from actors.pins import Pins
from actors.planning import Planning
from actors.queries import Queries
from actors.reconciler import Reconciler
from actors.restart_log import RestartLog
from actors.second_opinions import SecondOpinions
from actors.session_book import SessionBook
from actors.task_runner import TaskRunner
from actors.team_changes import TeamChanges
from actors.turn_attempts import TurnAttempts
from actors.wiring import wire
from delegator.errors import DelegatorError, Unavailable
from delegator.residency.foreseen import estimated_load_s
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
    EventKind,
    FitModelsReply,
    FitModelsRequest,
    GetPullRequest,
    GetTaskRequest,
    GiveFeedbackReply,
    GiveFeedbackRequest,
    ListActiveAgentsReply,
    ListActiveSessionsReply,
    ListAgentsRequest,
    ListAlertsReply,
    ListAlertsRequest,
    ListAnalysisVersionsReply,
    ListEventsReply,
    ListEventsRequest,
    ListModelsReply,
    ModelControlReply,
    ModelControlRequest,
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
    Reply,
    Request,
    ResetAnalysisReply,
    ResetAnalysisRequest,
    ResourceSummaryReply,
    RestartAgentReply,
    RestartAgentRequest,
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
from delegator.settings import GB, Settings
from delegator.store.records import NewEvent

log = logging.getLogger(__name__)

TRY_AGAIN_S = 1.0
"""Real seconds between two tries to go on after a restart."""


class SessionManager:
    """See the module's head. Every method raises a `DelegatorError` for whatever a caller is meant to read."""

    async def __init__(self, settings: Settings) -> None:  # type: ignore[misc]
        """Wire the parts and bring back what was open. Ray awaits this before it lets any call in."""
        while True:
            try:
                await self._bring_back(settings)
                break
            except Unavailable as exc:
                if not ray.get_runtime_context().was_current_actor_reconstructed:
                    raise
                log.warning("the restart waits: %s", exc)  # Ray gives an actor up that fails to start
            await asyncio.sleep(TRY_AGAIN_S)
        self._chores = [
            asyncio.create_task(self._wake_up()),
            asyncio.create_task(self._reconciler.run_forever()),
            asyncio.create_task(self._alerts.run_forever()),
            asyncio.create_task(self._metering.run_forever()),
        ]

    async def _bring_back(self, settings: Settings) -> None:
        self._put_together(await wire(settings))
        try:
            await self._book.recall()
            await self._parts.recorder.recall(s.session_id for s in self._book.sessions())
            await self._alerts.recall()
            await self._pins.recall()
            self._parts.pool.recall(await agent_work.recalled(self._parts.store))
        except BaseException:
            await self._parts.store.close()
            raise

    def _put_together(self, parts: Parts) -> None:
        self._parts = parts
        self._book = SessionBook(parts)
        self._teams = TeamChanges(parts)
        self._pins = Pins(parts.store, parts.clock, parts.catalogue)
        claimant = Claimant(parts.recorder, self._book.sessions, self._turns_under_way, parts.outlook_of, self._pins.on)
        self._restarts = RestartLog(parts.pool, parts.store, parts.clock)
        self._tasks = TaskRunner(parts, TurnAttempts(parts, claimant, self._restarts))
        self._controls = Controls(parts.store, parts.clock)
        self._reconciler = Reconciler(parts, self._book, claimant, self._restarts, self._end)
        self._queries = Queries(parts, self._book, self._tasks, self._reconciler.drift)
        self._planning = Planning(parts)
        self._opinions = SecondOpinions(parts)
        self._library = ModelLibrary(parts, self._book.sessions)
        self._model_controls = ModelControls(parts, self._book.sessions, self._pins, self._library)
        self._feedback = Feedback(parts, self._book)
        self._learning = AnalysisLearning(parts)
        self._alerts = Alerts(parts, self._queries.resources)
        self._metering = Metering(parts, self._book.sessions, self._queries.resources)

    def _turns_under_way(self) -> frozenset[str]:
        return self._tasks.turns_under_way()

    async def _wake_up(self) -> None:
        """Take agents over and resume tasks: after the start, because hosts and agents may need this actor."""
        await asyncio.gather(*(self._take_up(session) for session in self._book.sessions()))
        try:
            await self._reconciler.sweep(remove_orphans=self._parts.settings.auto_cleanup_agents)
        except (DelegatorError, RayError) as exc:
            log.warning("the first sweep broke off: %s", exc)

    async def _take_up(self, session: OpenSession) -> None:
        """Bring one session of a former life back to work, again while what it needs does not answer."""
        while session.ending is None:
            try:
                await self._book.reopen(session)
                await self._tasks.resume(session)
            except (Unavailable, RayError) as exc:
                log.warning("session %s is not at work yet: %s", session.session_id, exc)
                await asyncio.sleep(TRY_AGAIN_S)
            except DelegatorError as exc:
                log.warning("session %s cannot go on: %s", session.session_id, exc)
                return
            else:
                return

    # ── for the faces' readiness and the model hosts ──────────────────────────────────────────────────────────────

    async def ping(self) -> None:
        """Return when database and a model host answer."""
        await self._parts.store.ping()
        await self._parts.hosts.ping()

    async def record(self, events: Sequence[NewEvent]) -> None:
        """Take a model host's events; they are durable when this returns."""
        await self._parts.recorder.record(events)

    # ── who does what ────────────────────────────────────────────────────────────────────────────────────────────

    async def change(self, name: str, request: Request, by: str) -> Reply:
        """Do the operation of that name for a caller: the events it causes carry who that is."""
        with acting.acting(by):
            reply: Reply = await getattr(self, name)(request)
        return reply

    async def control(self, name: str, request: Request, by: str) -> Reply:
        """Do an operation that acts by hand on what runs; its use is an event of its own, see `Controls`."""
        return await self._controls.use(name, getattr(self, name), request, by)

    # ── analysis ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def analyze_task(self, request: AnalyzeTaskRequest) -> TaskAnalysis:
        """See the operation of this name."""
        return await self._opinions.analyze(request)

    async def evaluate_analysis(self, _request: NoInput) -> AnalysisEvaluation:
        """See the operation of this name."""
        return await self._learning.evaluate()

    async def retrain_analysis(self, request: RetrainAnalysisRequest) -> RetrainAnalysisReply:
        """See the operation of this name."""
        return await self._learning.retrain(apply=request.apply)

    async def reset_analysis(self, request: ResetAnalysisRequest) -> ResetAnalysisReply:
        """See the operation of this name."""
        return await self._learning.reset(request.to)

    async def list_analysis_versions(self, _request: NoInput) -> ListAnalysisVersionsReply:
        """See the operation of this name."""
        return await self._learning.versions()

    # ── sessions ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def plan_session(self, request: PlanSessionRequest) -> PlanSessionReply:
        """See the operation of this name."""
        return await self._planning.plan(request)

    async def create_session(self, request: CreateSessionRequest) -> CreateSessionReply:
        """See the operation of this name."""
        return views.created_reply(await self._book.create(request), self._parts)

    async def answer_question(self, request: AnswerQuestionRequest) -> CreateSessionReply:
        """See the operation of this name."""
        return views.created_reply(await self._book.answer(request), self._parts)

    async def get_session(self, request: SessionRef) -> SessionView:
        """See the operation of this name."""
        return await self._queries.session(request.session_id)

    async def list_active_sessions(self, _request: NoInput) -> ListActiveSessionsReply:
        """See the operation of this name."""
        return self._queries.active_sessions()

    async def end_session(self, request: OptionalSessionRef) -> EndSessionReply:
        """See the operation of this name."""
        session = await self._book.require(request.session_id or self._book.only_open())
        return await self._end(session, EventKind.SESSION_ENDED, "ended by the caller")

    async def _end(self, session: OpenSession, kind: EventKind, reason: str) -> EndSessionReply:
        ending = self._book.begin_end(session, kind, reason)
        ending.callers += 1
        try:
            await self._tasks.resume(session)  # of a former life, so that they come to an end too
            await self._tasks.cancel_all(session, "the session was ended")
            team, released, receipt, record = await self._book.end(session, ending)
        finally:
            ending.callers -= 1
        duration_s = self._parts.clock.between_s(record.created_at, record.ended_at or self._parts.clock.now())
        return EndSessionReply(
            session_id=record.session_id,
            agents_terminated=team,
            resources_freed_gb=released.freed_bytes / GB,
            session_duration_minutes=round(duration_s / 60, 1),
            duration_seconds=duration_s,
            models_unloaded=[model for model, _ in released.unloaded],
            models_kept=list(released.kept),
            receipt=receipt,
            simulated=record.simulated,
        )

    async def session_history(self, request: SessionHistoryRequest) -> SessionHistoryReply:
        """See the operation of this name."""
        return await self._queries.history(request)

    async def get_receipt(self, request: SessionRef) -> Receipt:
        """See the operation of this name."""
        return await self._book.receipt(await self._book.record_of(request.session_id))

    async def give_feedback(self, request: GiveFeedbackRequest) -> GiveFeedbackReply:
        """See the operation of this name."""
        return await self._feedback.give(request)

    # ── agents ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def add_agent_to_session(self, request: AddAgentRequest) -> AddAgentReply:
        """See the operation of this name."""
        session = await self._book.require(request.session_id)
        await self._book.touch(session)
        joined = await self._teams.add(session, request.agent_role, request.reason)
        return AddAgentReply(
            agent_role=request.agent_role,
            status="spawned",
            model=joined.model,
            ready_in_seconds=await self._seconds_until_resident(session, request.agent_role),
            session_id=session.session_id,
            active_agents=list(session.team),
            notes=joined.notes,
            degradations=joined.degradations,
        )

    async def _seconds_until_resident(self, session: OpenSession, role: str) -> float:
        host, model = self._parts.host_of(session, role), session.model_of(role, self._parts.catalogue)
        if (await host.view()).snapshot.find(model.name) is not None:
            return 0.0
        recorder = self._parts.recorder
        size, learned = recorder.size_on(host.endpoint_id, model), recorder.load_seconds_on(host.endpoint_id)
        return estimated_load_s(model.name, size, learned)

    async def remove_agent_from_session(self, request: RemoveAgentRequest) -> RemoveAgentReply:
        """See the operation of this name."""
        session = await self._book.require(request.session_id)
        await self._book.touch(session)
        role = request.agent_role
        released = await self._teams.remove(session, role, request.reason, lambda: self._tasks.busy_with(session, role))
        return RemoveAgentReply(
            agent_role=request.agent_role,
            status="terminated",
            resources_freed_gb=released.freed_bytes / GB,
            session_id=session.session_id,
            active_agents=list(session.team),
        )

    async def list_active_agents(self, request: ListAgentsRequest) -> ListActiveAgentsReply:
        """See the operation of this name."""
        session_id = request.session_id
        if session_id is not None:
            await self._book.require(session_id)
        elif not request.all_sessions and self._book.sessions():
            session_id = self._book.only_open()
        return await self._queries.agents(None if request.all_sessions else session_id)

    async def restart_agent(self, request: RestartAgentRequest) -> RestartAgentReply:
        """See the operation of this name."""
        role = request.agent_role
        self._parts.catalogue.role(role)
        agent = await self._parts.pool.restart(role)
        data = {"reason": request.reason or "restarted by hand", "pid": agent.pid, "sessions": sorted(agent.sessions)}
        event = NewEvent(EventKind.AGENT_RESTARTED, self._parts.clock.now(), role=role, data=data, by=acting.by())
        self._restarts.take_up_by_hand(event)
        await self._restarts.write_down()
        return RestartAgentReply(
            agent_role=role, pid=agent.pid, restarts=agent.lives.replaced, sessions=sorted(agent.sessions)
        )

    async def cleanup_orphaned_agents(self, _request: NoInput) -> CleanupReply:
        """See the operation of this name."""
        return await self._reconciler.sweep()

    # ── work ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def delegate_task(self, request: DelegateTaskRequest) -> TaskView:
        """See the operation of this name."""
        session = await self._book.require(request.session_id)
        await self._book.touch(session)
        running = await self._tasks.delegate(session, request.task or session.record.task_description)
        await self._tasks.wait(running.record.task_id, request.wait_s)
        return await self._queries.task(running.record.task_id)

    async def send_message(self, request: SendMessageRequest) -> SendMessageReply:
        """See the operation of this name."""
        session = await self._book.require(request.session_id)
        await self._book.touch(session)
        running = await self._tasks.message(session, request.from_role, request.to_role, request.text)
        await self._tasks.wait(running.record.task_id, request.wait_s)
        record = running.record
        return SendMessageReply(
            session_id=session.session_id,
            from_role=request.from_role,
            to_role=request.to_role,
            task_id=record.task_id,
            status=record.status,
            reply=record.answer,
            model=session.model_of(request.to_role, self._parts.catalogue).name,
            simulated=self._parts.simulated,
        )

    async def get_task(self, request: GetTaskRequest) -> TaskView:
        """See the operation of this name."""
        await self._tasks.wait(request.task_id, request.wait_s)
        return await self._queries.task(request.task_id)

    async def cancel_task(self, request: TaskRef) -> TaskView:
        """See the operation of this name."""
        await self._tasks.cancel(request.task_id, "cancelled by the caller")
        return await self._queries.task(request.task_id)

    # ── models ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def list_models(self, request: NoInput) -> ListModelsReply:
        """See the operation of this name."""
        return await self._library.list_models(request)

    async def pull_model(self, request: PullModelRequest) -> Pull:
        """See the operation of this name."""
        return await self._library.pull_model(request)

    async def get_pull(self, request: GetPullRequest) -> Pull:
        """See the operation of this name."""
        return await self._library.get_pull(request)

    async def cancel_pull(self, request: ModelRef) -> Pull:
        """See the operation of this name."""
        return await self._library.cancel_pull(request)

    async def remove_model(self, request: ModelRef) -> RemoveModelReply:
        """See the operation of this name."""
        return await self._library.remove_model(request)

    async def load_model(self, request: ModelControlRequest) -> ModelControlReply:
        """See the operation of this name."""
        return await self._model_controls.load(request)

    async def unload_model(self, request: ModelControlRequest) -> ModelControlReply:
        """See the operation of this name."""
        return await self._model_controls.unload(request)

    async def pin_model(self, request: ModelControlRequest) -> ModelControlReply:
        """See the operation of this name."""
        return await self._model_controls.pin(request)

    async def unpin_model(self, request: ModelControlRequest) -> ModelControlReply:
        """See the operation of this name."""
        return await self._model_controls.unpin(request)

    async def fit_models(self, request: FitModelsRequest) -> FitModelsReply:
        """See the operation of this name."""
        return await self._library.fit_models(request)

    # ── figures ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def resource_summary(self, _request: NoInput) -> ResourceSummaryReply:
        """See the operation of this name."""
        summary = await self._queries.resources()
        return summary.model_copy(update={"alerts": len(self._alerts.raised())})

    async def list_alerts(self, request: ListAlertsRequest) -> ListAlertsReply:
        """See the operation of this name."""
        return await self._alerts.listed(request)

    async def statistics(self, request: StatisticsRequest) -> StatisticsReply:
        """See the operation of this name."""
        return await self._queries.statistics(request)

    async def list_events(self, request: ListEventsRequest) -> ListEventsReply:
        """See the operation of this name."""
        return await self._queries.events(request)
