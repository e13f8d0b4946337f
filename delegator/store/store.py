"""The way to the record: every question and every change the rest of Delegator has, one method each.

A method is one transaction: when it returns, all of it is on disk, when it raises, nothing is. Changes may be repeated
without harm. Takes and returns the records of `records.py`; every foreign error becomes `StoreUnavailable`. The queries
are in the files named after the records, the connection is in `database.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import date, datetime
from typing import Any

from delegator.schemas import Event, EventKind, SessionStatus, TaskStatus
from delegator.store import (
    agents,
    alerts,
    analysis_versions,
    events,
    history,
    learned,
    lessons,
    listening,
    model_facts,
    pins,
    plans,
    residents,
    sessions,
    statistics,
    tasks,
    teams,
)
from delegator.store.database import Database
from delegator.store.listening import EventNews
from delegator.store.migrations import MIGRATE_S, bring_up_to_date
from delegator.store.records import (
    AgentRecord,
    AnalysisVersion,
    EventQuery,
    HistoryQuery,
    LearnedRecord,
    LessonRecord,
    MessageRecord,
    ModelFactsRecord,
    NewEvent,
    PinRecord,
    PlanRecord,
    ResidentRecord,
    SessionLimits,
    SessionRecord,
    StatisticsRow,
    TaskRecord,
)


class Store:
    """The database of one Delegator. Build and use it inside one event loop; several processes may share the database.

    Args:
        url: `postgresql://…`, `postgres://…` or `postgresql+psycopg://…`.
        pool_size: most connections this process opens; a call that finds none free waits for one.

    Raises:
        SettingsInvalid: the URL is none of PostgreSQL.
    """

    def __init__(self, url: str, *, pool_size: int = 5) -> None:
        self._database = Database(url, pool_size=pool_size)

    async def open(self) -> None:
        """Connect, and bring the schema up to date; of several processes doing so one does, the others wait.

        Raises:
            StoreUnavailable: the server does not answer, or its schema is newer than this Delegator.
        """
        self._database.open()
        try:
            await self._database.on_own_connection(bring_up_to_date, deadline_s=MIGRATE_S)
        except BaseException:
            await self._database.close()
            raise

    async def close(self) -> None:
        """Close all connections. May be called twice."""
        await self._database.close()

    async def ping(self) -> None:
        """Ask the database for an answer. Raises StoreUnavailable when there is none."""
        await self._database.ping()

    # ── sessions ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def create_session(
        self, session: SessionRecord, agents: Sequence[AgentRecord], events: Sequence[NewEvent]
    ) -> None:
        """Store a new session with its team; `total_agents_spawned` is stored as the size of that team."""
        await self._database.run(sessions.create, session, agents, events)

    async def mark_session_ready(
        self, session_id: str, started_at: datetime, seconds_to_ready: float, events: Sequence[NewEvent]
    ) -> None:
        """Turn a starting session active. Raises SessionNotFound."""
        await self._database.run(sessions.mark_ready, session_id, started_at, seconds_to_ready, events)

    async def answer_session(
        self, session: SessionRecord, agents: Sequence[AgentRecord], events: Sequence[NewEvent]
    ) -> None:
        """Turn a session that waits for an answer into what the answer made of it. Raises SessionNotFound."""
        await self._database.run(sessions.answer, session, agents, events)

    async def touch_session(self, session_id: str, at: datetime) -> None:
        """Note that somebody used the session."""
        await self._database.run_single(sessions.touch, session_id, at)

    async def end_session(
        self,
        session_id: str,
        status: SessionStatus,
        ended_at: datetime,
        reason: str | None,
        resources_used: dict[str, Any] | None,
        events: Sequence[NewEvent],
    ) -> bool:
        """End a session and the stays of its agents. False when it had ended before. Raises SessionNotFound."""
        return await self._database.run(sessions.end, session_id, status, ended_at, reason, resources_used, events)

    async def session(self, session_id: str) -> SessionRecord | None:
        """Return one session, open or ended."""
        return await self._database.run_single(sessions.get, session_id)

    async def open_sessions(self) -> list[SessionRecord]:
        """Return the open sessions, newest first."""
        return await self._database.run_single(sessions.open_ones)

    async def count_open_sessions(self) -> int:
        return await self._database.run_single(sessions.count_open)

    async def history(self, wanted: HistoryQuery, page: int, page_size: int = 50) -> tuple[list[SessionRecord], int]:
        """Return one page (from 1) of the sessions that are wanted, and how many are."""
        return await self._database.run_single(history.page_of, wanted, page, page_size)

    async def statistics(self, from_day: date, to_day: date) -> StatisticsRow:
        """Sum up the sessions created from one UTC day to another, both included."""
        return await self._database.run_single(statistics.over, from_day, to_day)

    # ── agents ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def add_agent(
        self,
        agent: AgentRecord,
        events: Sequence[NewEvent],
        *,
        active_agents: Sequence[str],
        limits: SessionLimits | None = None,
        lessons: Sequence[LessonRecord] = (),
    ) -> None:
        """Let a role join a session, whose team then is `active_agents`. Raises SessionNotFound.

        Args:
            limits: those that apply from now on, where the larger team needs others.
            lessons: what its joining teaches.
        """
        await self._database.run(teams.add, agent, events, active_agents, limits, lessons)

    async def end_agent(
        self,
        session_id: str,
        role: str,
        ended_at: datetime,
        events: Sequence[NewEvent],
        *,
        active_agents: Sequence[str],
        lessons: Sequence[LessonRecord] = (),
    ) -> None:
        """Let a role leave a session, whose team then is `active_agents`, with what its leaving teaches."""
        await self._database.run(teams.end, session_id, role, ended_at, events, active_agents, lessons)

    async def set_agent_model(
        self, session_id: str, role: str, model: str, events: Sequence[NewEvent], *, endpoint: str | None = None
    ) -> None:
        """Note that a role now works with another model, such as its fallback, and where; None: where it did before."""
        await self._database.run(teams.set_model, session_id, role, model, events, endpoint)

    async def open_agents(self) -> list[AgentRecord]:
        """Return the stays that have not ended, in the order in which they began."""
        return await self._database.run_single(agents.open_ones)

    async def agents_of(self, session_id: str) -> list[AgentRecord]:
        """Return all stays in one session, in the order in which they began."""
        return await self._database.run_single(agents.of_session, session_id)

    # ── tasks ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def create_task(self, task: TaskRecord, events: Sequence[NewEvent]) -> None:
        """Store a new task; one for the team counts on its session. Raises SessionNotFound."""
        await self._database.run(tasks.create, task, events)

    async def start_task(self, task_id: str, at: datetime, events: Sequence[NewEvent]) -> None:
        """Turn a queued task running. Raises TaskNotFound."""
        await self._database.run(tasks.start, task_id, at, events)

    async def add_turn(self, message: MessageRecord, events: Sequence[NewEvent]) -> MessageRecord:
        """Store what was said in a turn and return it; said twice, the first saying stands. Raises TaskNotFound."""
        return await self._database.run(tasks.add_turn, message, events)

    async def finish_task(
        self,
        task_id: str,
        status: TaskStatus,
        at: datetime,
        answer: str | None,
        error: dict[str, Any] | None,
        events: Sequence[NewEvent],
        *,
        lessons: Sequence[LessonRecord] = (),
    ) -> bool:
        """Bring a task to its end, with what it teaches. False when it had come to one before. Raises TaskNotFound."""
        return await self._database.run(tasks.finish, task_id, status, at, answer, error, events, lessons)

    async def task(self, task_id: str) -> TaskRecord | None:
        return await self._database.run_single(tasks.get, task_id)

    async def tasks_of(self, session_id: str) -> list[TaskRecord]:
        """Return the tasks of one session, oldest first."""
        return await self._database.run_single(tasks.of_session, session_id)

    async def unfinished_tasks(self) -> list[TaskRecord]:
        """Return the tasks that have not come to an end, oldest first."""
        return await self._database.run_single(tasks.unfinished)

    async def messages_of(self, task_id: str) -> list[MessageRecord]:
        """Return what was said in a task, in the order of its turns."""
        return await self._database.run_single(tasks.messages_of, task_id)

    # ── events ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def append_events(self, events_: Sequence[NewEvent]) -> None:
        """Append to the log, in this order; an event whose uid is there already is left out."""
        await self._database.run_single(events.append, events_)

    async def session_events(self, session_id: str, kinds: Sequence[EventKind] | None = None) -> list[Event]:
        """Return the events of one session, oldest first."""
        return await self._database.run_single(events.of_session, session_id, kinds)

    async def turns_since(self, since: datetime) -> list[Event]:
        """Return the events of all turns completed since a moment, oldest first."""
        return await self._database.run_single(events.turns_since, since)

    async def events_after(self, after: int, session_id: str | None, limit: int) -> list[Event]:
        """Return up to `limit` events with larger ids, oldest first. Raises EventNotFound for an id never given out."""
        return await self.events(EventQuery(after=after, session_id=session_id, limit=limit))

    async def events(self, wanted: EventQuery) -> list[Event]:
        """Return the events that are wanted, oldest first. Raises EventNotFound where `after` was never given out."""
        return await self._database.run_single(events.chosen, wanted)

    async def last_event_id(self) -> int:
        """Return the largest id in the event log, 0 while it is empty: what is read on after begins now."""
        return await self._database.run_single(events.last_id)

    def listen(self) -> AbstractAsyncContextManager[EventNews]:
        """Be told of new events as they are stored, on a connection of its own, for as long as the context lasts.

        Iterate over what it gives: runs of new ids, or CATCH_UP, which says to read on after the last id seen. That is
        the first thing told, so that a reader who reads whenever he is told anything misses nothing:

            async with store.listen() as news:
                async for _ in news:
                    while found := await store.events_after(last, None, 1000):
                        last = found[-1].event_id

        A lost connection is made anew by itself, so nothing is raised while this store is open; leaving the context
        closes it.
        """
        return listening.listen(self._database.connect_alone)

    # ── alerts ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def raised_alerts(self) -> list[dict[str, Any]]:
        """Return the alerts that were raised and not cleared since, the oldest first, as their events hold them."""
        return await self._database.run_single(alerts.raised)

    async def cleared_alerts(self, limit: int) -> list[dict[str, Any]]:
        """Return the alerts that were cleared last, the latest first, as their events hold them."""
        return await self._database.run_single(alerts.cleared, limit)

    async def agent_restarts(self, since: datetime) -> list[tuple[str, datetime]]:
        """Return (role, moment) of the agents that were lost and came back since a moment, the oldest first."""
        return await self._database.run_single(alerts.restarts, since)

    # ── residents ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def put_resident(
        self, record: ResidentRecord, events: Sequence[NewEvent], *, facts: ModelFactsRecord | None = None
    ) -> None:
        """Note a model that Delegator loaded, and what the load has shown; newer facts replace older."""
        if facts is None:
            await self._database.run(residents.put, record, events)
        else:
            await self._database.run(model_facts.put_with_resident, record, facts, events)

    async def drop_resident(self, endpoint: str, model: str, events: Sequence[NewEvent]) -> None:
        """Note that a model has left memory."""
        await self._database.run(residents.drop, endpoint, model, events)

    async def residents(self, endpoint: str | None = None) -> list[ResidentRecord]:
        """Return the models noted for one endpoint, or for all."""
        return await self._database.run_single(residents.on, endpoint)

    async def put_pin(self, pin: PinRecord, events_: Sequence[NewEvent]) -> bool:
        """Note a pinned model with its events. False, and nothing is noted, when it was pinned before."""
        return await self._database.run(pins.put, pin, events_)

    async def drop_pin(self, endpoint: str, model: str, events_: Sequence[NewEvent]) -> bool:
        """Note that a model is pinned no more, with its events. False, and nothing is noted, when it was not pinned."""
        return await self._database.run(pins.drop, endpoint, model, events_)

    async def pins(self) -> list[PinRecord]:
        """Return what is pinned, by endpoint, in the order of pinning."""
        return await self._database.run_single(pins.listed)

    # ── what was learned ──────────────────────────────────────────────────────────────────────────────────────────

    async def put_model_facts(self, facts: ModelFactsRecord) -> None:
        """Note what a load has shown of a model; told again, or older than what is known, it changes nothing."""
        await self._database.run_single(model_facts.put, facts)

    async def model_facts(self, endpoint: str | None = None) -> list[ModelFactsRecord]:
        """Return what loads have shown on one endpoint, or on all, the latest load last."""
        return await self._database.run_single(model_facts.on, endpoint)

    async def put_learned(self, records: Sequence[LearnedRecord]) -> None:
        """Note learned statistics, each replacing an older one of its endpoint and name."""
        await self._database.run(learned.put, records)

    async def learned(self, name: str, endpoint: str = "") -> LearnedRecord | None:
        """Return one learned statistic; None when it was never noted."""
        return await self._database.run_single(learned.get, name, endpoint)

    async def all_learned(self, endpoint: str | None = None) -> list[LearnedRecord]:
        """Return the statistics of one endpoint ('' for those of none), or all."""
        return await self._database.run_single(learned.on, endpoint)

    # ── learning from use ─────────────────────────────────────────────────────────────────────────────────────────

    async def put_lessons(self, records: Sequence[LessonRecord], events: Sequence[NewEvent]) -> int:
        """Note what use has shown; told again, it changes nothing. Returns how many lessons there are then."""
        return await self._database.run(lessons.put_with_events, records, events)

    async def lessons(self, *, since: datetime | None = None, limit: int | None = None) -> list[LessonRecord]:
        """Return the lessons in the order in which they came, of a moment and later; with a limit the newest ones."""
        return await self._database.run_single(lessons.listed, since, limit)

    async def count_lessons(self) -> int:
        return await self._database.run_single(lessons.count)

    async def add_analysis_version(
        self, at: datetime, weights: dict[str, Any], measured: dict[str, Any], event: NewEvent
    ) -> AnalysisVersion:
        """Store a new version and make it the active one; the event is completed by the version's number."""
        return await self._database.run(analysis_versions.add, at, weights, measured, event)

    async def activate_analysis_version(self, version: int | None, events: Sequence[NewEvent]) -> None:
        """Make one version the active one; None: none. Raises AnalysisVersionNotFound."""
        await self._database.run(analysis_versions.activate, version, events)

    async def active_analysis_version(self) -> AnalysisVersion | None:
        return await self._database.run_single(analysis_versions.active)

    async def analysis_version(self, version: int) -> AnalysisVersion | None:
        return await self._database.run_single(analysis_versions.get, version)

    async def analysis_versions(self) -> list[AnalysisVersion]:
        """Return every version, the newest first, without its weights."""
        return await self._database.run_single(analysis_versions.listed)

    # ── plans ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def put_plan(self, plan: PlanRecord) -> None:
        """Keep a plan so that it can be applied."""
        await self._database.run_single(plans.put, plan)

    async def plan(self, plan_id: str) -> PlanRecord | None:
        """Return a plan, also an expired one that has not been dropped yet."""
        return await self._database.run_single(plans.get, plan_id)

    async def drop_expired_plans(self, at: datetime) -> int:
        """Drop the plans that have expired by then; return how many."""
        return await self._database.run_single(plans.drop_expired, at)
