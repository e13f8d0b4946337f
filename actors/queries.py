"""Answers what only reads: lists, views, history, figures, forecasts."""

from __future__ import annotations

import asyncio

from actors import views
from actors.host_messages import HostView
from actors.parts import Parts
from actors.session_book import SessionBook, baseline_models
from actors.task_runner import TaskRunner
from delegator.residency.forecast import Forecast, estimated_load_s, forecast
from delegator.residency.planner import Wish
from delegator.schemas import (
    AgentInfo,
    AnalyzeTaskRequest,
    CreateSessionRequest,
    ListActiveAgentsReply,
    ListActiveSessionsReply,
    ListEventsReply,
    ListEventsRequest,
    PlannedModel,
    PlanSessionReply,
    ResourceSummaryReply,
    SessionHistoryReply,
    SessionHistoryRequest,
    SessionView,
    StatisticsReply,
    StatisticsRequest,
    TaskAnalysis,
    TaskView,
)
from delegator.sessions.cpu_load import cpu_load
from delegator.sessions.turns import plan_team_turns
from delegator.settings import GB

PAGE_SIZE = 50


class Queries:
    """Reads; changes nothing."""

    def __init__(self, parts: Parts, book: SessionBook, tasks: TaskRunner) -> None:
        """Read from these parts."""
        self._parts = parts
        self._book = book
        self._tasks = tasks

    async def session(self, session_id: str) -> SessionView:
        """Return everything about one session, open or ended."""
        record = await self._book.record_of(session_id)
        tasks = await self._parts.store.tasks_of(session_id)
        live = next((s for s in self._book.sessions() if s.session_id == session_id), None)
        if live is not None:
            models, notes = dict(live.models), [*record.notes, *views.fallback_notes(live, self._parts)]
        else:
            models, notes = dict(record.analysis.get("models", {})), list(record.notes)
        return views.session_view(record, models, tasks, notes, self._parts.clock.now())

    def active_sessions(self) -> ListActiveSessionsReply:
        """Return the open sessions, newest first."""
        sessions = [views.active_session(s.record, self._parts) for s in self._book.sessions()]
        return ListActiveSessionsReply(sessions=sessions, total_sessions=len(sessions))

    async def history(self, request: SessionHistoryRequest) -> SessionHistoryReply:
        """Return one page of all sessions, newest first."""
        records, total = await self._parts.store.history(request.date, request.page, PAGE_SIZE)
        return SessionHistoryReply(
            sessions=[views.history_session(record) for record in records],
            total_sessions=total,
            page=request.page,
            pages=max(1, -(-total // PAGE_SIZE)),
        )

    async def statistics(self, request: StatisticsRequest) -> StatisticsReply:
        """Return figures over a range of days; today when none is given."""
        first = request.from_date or request.to_date or self._parts.clock.now().date()
        last = request.to_date or first
        row = await self._parts.store.statistics(first, last)
        return StatisticsReply(
            from_date=row.from_day,
            to_date=row.to_day,
            total_sessions=row.total_sessions,
            avg_agents_per_session=round(row.avg_agents_per_session, 2),
            total_agents_spawned=row.total_agents_spawned,
            category_breakdown=row.category_breakdown,
            tasks_delegated=row.tasks_delegated,
            completed_sessions=row.completed_sessions,
            failed_sessions=row.failed_sessions,
            avg_duration_seconds=row.avg_duration_seconds,
            gb_seconds=round(row.gb_seconds, 1),
            gb_seconds_saved=round(row.gb_seconds_saved, 1),
            simulated_sessions=row.simulated_sessions,
        )

    async def task(self, task_id: str) -> TaskView:
        """Return a task with the turns taken so far."""
        record = await self._tasks.record_of(task_id)
        messages = await self._parts.store.messages_of(task_id)
        running = self._tasks.get(task_id)
        if running is None and not record.status.is_final:  # it ended while the messages were read
            record = await self._tasks.record_of(task_id)
        return views.task_view(record, messages, running, self._parts)

    async def agents(self, session_id: str | None) -> ListActiveAgentsReply:
        """Return the running agents, of one session or all."""
        host = await self._parts.host.view()
        live = [a for a in self._parts.pool.live() if session_id is None or session_id in a.sessions]
        pulses = await asyncio.gather(*(self._parts.pool.pulse(agent) for agent in live))
        by_session = {s.session_id: s.models for s in self._book.sessions()}
        infos: list[AgentInfo] = []
        for agent, pulse in zip(live, pulses, strict=True):
            models = {
                sid: by_session[sid][agent.role] for sid in agent.sessions if agent.role in by_session.get(sid, {})
            }
            infos.append(views.agent_info(agent, pulse, models, host, self._parts))
        return ListActiveAgentsReply(agents=infos, total_agents=len(infos))

    async def resources(self) -> ResourceSummaryReply:
        """Return what is running and resident now, measured."""
        host = await self._parts.host.view()
        baseline = self.baseline_bytes()
        used = host.snapshot.used_bytes
        agents = len(self._parts.pool.live())
        return ResourceSummaryReply(
            active_agents=agents,
            total_memory_gb=used / GB,
            cpu_load=cpu_load(agents),
            active_sessions=len(self._book.sessions()),
            capacity_gb=self._parts.capacity_bytes / GB,
            all_roles_memory_gb=baseline / GB,
            memory_saved_ratio=1 - used / baseline if baseline else 0.0,
            models=[views.resident_model(r, host.url) for r in host.residents if r.resident],
            turns_running=host.turns_running,
            turns_waiting=len(host.waiting),
            simulated=self._parts.simulated,
        )

    def baseline_bytes(self) -> int:
        """Return the memory of all roles resident, each model counted once: measured where known."""
        sizes = self._parts.recorder.sizes
        return sum(sizes.get(model.name, model.memory_bytes) for model in baseline_models(self._parts))

    async def events(self, request: ListEventsRequest) -> ListEventsReply:
        """Return events after a point, oldest first."""
        if request.session_id is not None:
            await self._book.record_of(request.session_id)
        found = await self._parts.store.events_after(request.after, request.session_id, request.limit)
        return ListEventsReply(events=found, next_after=found[-1].event_id if found else request.after)

    async def plan(self, request: CreateSessionRequest) -> PlanSessionReply:
        """Return what create_session would do now."""
        analysis = self._parts.analyzer.analyze(
            AnalyzeTaskRequest(
                task_description=request.task_description,
                context=request.context,
                task_category=request.task_category,
            )
        )
        host = await self._parts.host.view()
        models = await self._models_of(analysis)
        speakers = plan_team_turns(analysis.recommended_agents, self._parts.catalogue)
        limit = round(analysis.limits.max_memory_gb * GB)
        wishes = [Wish(models[t.role], self._size(models[t.role]), "planned", limit) for t in speakers]
        return self._plan_reply(analysis, models, host, forecast(host.snapshot, wishes))

    async def _models_of(self, analysis: TaskAnalysis) -> dict[str, str]:
        roles = [self._parts.catalogue.role(role) for role in analysis.recommended_agents]
        return {role: choice.model for role, choice in (await self._parts.host.choose(roles)).items()}

    def _size(self, model: str) -> int:
        return self._parts.recorder.sizes.get(model, self._parts.catalogue.models[model].memory_bytes)

    def _plan_reply(
        self, analysis: TaskAnalysis, models: dict[str, str], host: HostView, foreseen: Forecast
    ) -> PlanSessionReply:
        names = list(dict.fromkeys(models[role] for role in analysis.recommended_agents))
        learned = self._parts.recorder.load_seconds
        load_s = {name: estimated_load_s(name, self._size(name), learned) for name in names}
        first = names[0]
        planned = [
            PlannedModel(
                model=name,
                roles=[role for role, model in models.items() if model == name],
                memory_gb=self._size(name) / GB,
                action="reuse" if name in foreseen.reused else "load_in_turn" if foreseen.in_turns else "load",
                load_seconds=0.0 if name in foreseen.reused else load_s[name],
            )
            for name in names
        ]
        return PlanSessionReply(
            analysis=analysis,
            models=planned,
            would_evict=list(foreseen.evicted),
            needed_gb=sum(self._size(name) for name in names) / GB,
            peak_gb=foreseen.peak_bytes / GB,
            free_gb=max(0, host.snapshot.capacity_bytes - host.snapshot.used_bytes) / GB,
            capacity_gb=self._parts.capacity_bytes / GB,
            seconds_to_ready=0.0 if first in foreseen.reused else load_s[first],
            possible=foreseen.impossible is None,
            notes=[*analysis.notes, *_notes_on(foreseen)],
            simulated=self._parts.simulated,
        )


def _notes_on(foreseen: Forecast) -> list[str]:
    notes = []
    if foreseen.waits_for:
        notes.append(f"It would wait for turns that run now on: {', '.join(foreseen.waits_for)}.")
    if foreseen.impossible is not None:
        model, refusal = foreseen.impossible
        notes.append(
            f"{model} needs {refusal.needed_bytes / GB:.1f} GB and {refusal.capacity_bytes / GB:.1f} GB are there."
        )
    return notes
