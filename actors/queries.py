"""Answers what only reads: lists, views, history, figures, forecasts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from actors import views
from actors.machine_views import machine_loads
from actors.parts import Parts
from actors.queue_view import queued_turns
from actors.session_book import SessionBook, baseline_models
from actors.task_runner import TaskRunner
from delegator.ollama.names import normalise
from delegator.schemas import (
    AgentInfo,
    Drift,
    ListActiveAgentsReply,
    ListActiveSessionsReply,
    ListEventsReply,
    ListEventsRequest,
    ResourceSummaryReply,
    SessionHistoryReply,
    SessionHistoryRequest,
    SessionView,
    StatisticsReply,
    StatisticsRequest,
    TaskView,
)
from delegator.sessions.cpu_load import cpu_load
from delegator.settings import GB
from delegator.store.records import EventQuery, HistoryQuery


class Queries:
    """Reads; changes nothing."""

    def __init__(self, parts: Parts, book: SessionBook, tasks: TaskRunner, drift: Callable[[], Drift]) -> None:
        """Read from these parts; `drift` gives what the latest comparison found."""
        self._drift = drift
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
            # Of one that was never answered the analysis is only what it might have been.
            models = {} if record.question is not None else dict(record.analysis.get("models", {}))
            notes = list(record.notes)
        endpoints = dict(live.endpoints) if live is not None else {}
        return views.session_view(record, models, endpoints, tasks, notes, self._parts.clock.now())

    def active_sessions(self) -> ListActiveSessionsReply:
        """Return the open sessions, newest first."""
        sessions = [
            views.active_session(s.record, self._tasks.oldest_of(s), self._parts) for s in self._book.sessions()
        ]
        return ListActiveSessionsReply(sessions=sessions, total_sessions=len(sessions))

    async def history(self, request: SessionHistoryRequest) -> SessionHistoryReply:
        """Return one page of the sessions that are asked for."""
        wanted = HistoryQuery(
            from_day=request.date or request.from_date,
            to_day=request.date or request.to_date or (request.from_date and self._parts.clock.now().date()),
            category=request.category,
            status=request.status,
            text=request.text,
            sort=request.sort,
            descending=request.descending,
        )
        records, total = await self._parts.store.history(wanted, request.page, request.page_size)
        return SessionHistoryReply(
            sessions=[views.history_session(record) for record in records],
            total_sessions=total,
            page=request.page,
            pages=max(1, -(-total // request.page_size)),
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
            days=row.days,
            durations=row.durations,
            roles=row.roles,
            turns=row.turns,
            prompt_tokens=row.prompt_tokens,
            reply_tokens=row.reply_tokens,
            loads=row.loads,
            load_seconds=row.load_seconds,
            swaps=row.swaps,
            resident_hit_ratio=row.resident_hit_ratio,
            prefetch_hit_ratio=row.prefetch_hit_ratio,
            money=row.money,
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
        hosts = await self._parts.hosts.views()
        live = [a for a in self._parts.pool.live() if session_id is None or session_id in a.sessions]
        pulses = await asyncio.gather(*(self._parts.pool.pulse(agent) for agent in live))
        open_ones = {s.session_id: s for s in self._book.sessions()}
        infos: list[AgentInfo] = []
        for agent, pulse in zip(live, pulses, strict=True):
            places = {sid: open_ones[sid].place_of(agent.role) for sid in sorted(agent.sessions & open_ones.keys())}
            infos.append(views.agent_info(agent, pulse, places, hosts, self._parts))
        return ListActiveAgentsReply(agents=infos, total_agents=len(infos))

    async def resources(self) -> ResourceSummaryReply:
        """Return what is running and resident now, measured; endpoints that do not answer count nothing."""
        hosts = await self._parts.hosts.views()
        baseline = self.baseline_bytes()
        used = sum(host.resident_bytes for host in hosts.values())
        agents = len(self._parts.pool.live())
        prefetches = sum(host.prefetches for host in hosts.values())
        return ResourceSummaryReply(
            active_agents=agents,
            total_memory_gb=used / GB,
            planned_gb=sum(host.snapshot.used_bytes for host in hosts.values()) / GB,
            cpu_load=cpu_load(agents),
            active_sessions=len(self._book.sessions()),
            capacity_gb=self._parts.hosts.capacity_bytes / GB,
            all_roles_memory_gb=baseline / GB,
            memory_saved_ratio=1 - used / baseline if baseline else 0.0,
            models=[views.resident_model(r, host.url) for host in hosts.values() for r in host.residents if r.resident],
            turns_running=sum(host.turns_running for host in hosts.values()),
            turns_waiting=sum(len(host.waiting) for host in hosts.values()),
            simulated=self._parts.simulated,
            endpoints=[
                views.endpoint_info(handle, hosts.get(handle.endpoint_id), self._parts)
                for handle in self._parts.hosts.all()
            ],
            prefetches=prefetches,
            prefetch_hit_ratio=sum(h.prefetches_used for h in hosts.values()) / prefetches if prefetches else None,
            queue=queued_turns(hosts, self._tasks.get),
            drift=self._drift(),
            machines=machine_loads(hosts.values()),
        )

    def baseline_bytes(self) -> int:
        """Return the memory of all roles resident, each model counted once: measured where known."""
        sizes = self._parts.recorder.sizes
        return sum(sizes.get(model.name, model.memory_bytes) for model in baseline_models(self._parts))

    async def events(self, request: ListEventsRequest) -> ListEventsReply:
        """Return the events that are asked for, oldest first."""
        if request.session_id is not None:
            await self._book.record_of(request.session_id)
        wanted = EventQuery(
            after=request.after,
            before=request.before,
            session_id=request.session_id,
            kinds=request.kinds,
            role=request.role,
            models=_names_of(request.model),
            limit=request.limit,
            latest=request.latest,
        )
        found = await self._parts.store.events(wanted)
        return ListEventsReply(events=found, next_after=found[-1].event_id if found else request.after)


def _names_of(model: str | None) -> tuple[str, ...]:
    """Return the names under which a model may stand in the log: as the catalogue writes it, or as Ollama shows it."""
    if model is None:
        return ()
    shown = normalise(model)
    return tuple({model, shown, shown.removesuffix(":latest")})
