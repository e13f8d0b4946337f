"""A system at work for the monitor to show: three sessions, five agents, four models, some weeks of history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from delegator import schemas as s
from tests.browser.library import ENDPOINT, URL, Library
from tests.browser.past import history_reply, statistics_reply
from tests.browser.talk import new_task, receipt, session_view, take_turn
from tests.browser.voices import Voices
from tests.serve_app.samples import CannedBackend

ROLES = (
    ("ceo", "Chief Executive Officer", "qwen2.5:14b", 12.1),
    ("cto", "Chief Technology Officer", "deepseek-coder:33b", 24.9),
    ("product_manager", "Product Manager", "llama3.1:8b", 6.6),
    ("chro", "Chief Human Resources Officer", "llama3.1:8b", 6.6),
    ("operations_head", "Head of Operations", "mistral:7b", 5.9),
    ("senior_architect", "Senior Architect", "deepseek-coder:33b", 24.9),
    ("uiux_engineer", "UI/UX Engineer", "qwen3-vl:8b", 8.3),
    ("senior_developer", "Senior Developer", "deepseek-coder:6.7b", 8.1),
    ("test_lead", "Test Lead", "codellama:13b", 14.6),
)
"""(role, title, model, GB of the model)"""

MODELS = {model: gb for _, _, model, gb in ROLES}
TITLES = {role: title for role, title, _, _ in ROLES}
MODEL_OF = {role: model for role, _, model, _ in ROLES}
BASELINE_GB = sum(MODELS.values())

TASKS = (
    ("development", "Add user authentication feature", ("product_manager", "senior_developer", "test_lead")),
    ("quick_fix", "Fix typo in README", ("senior_developer",)),
    ("strategic", "Plan Q2 roadmap and budget allocation", ("ceo", "product_manager", "operations_head")),
    ("technical", "Design the event-driven architecture for billing", ("cto", "senior_architect", "senior_developer")),
    ("operations", "Rotate the TLS certificates on all servers", ("operations_head", "cto")),
    ("product", "Design a new checkout screen", ("product_manager", "ceo", "uiux_engineer")),
    ("hr", "Adjust salaries after the annual review", ("ceo", "chro")),
    ("development", "Write unit tests for the parser", ("senior_developer", "test_lead")),
)
"""(category, task, team)"""


class Scene(CannedBackend):
    """A backend whose answers fit together; a test changes the lists and sees the page follow."""

    def __init__(self, *, now: datetime | None = None, simulated: bool = False) -> None:
        super().__init__()
        self.now = now or datetime.now(UTC)
        self.simulated = simulated
        self.capacity_gb = 64.0
        self.sessions: list[s.ActiveSession] = []
        self.agents: list[s.AgentInfo] = []
        self.residents: list[s.ResidentModel] = []
        self.past: list[s.HistorySession] = []
        self.library = Library(MODELS, {model: [r for r, m in MODEL_OF.items() if m == model] for model in MODELS})
        self.library.on_disk = list(MODELS)
        self.machines: list[s.MachineLoad] = []
        self.raised: list[s.Alert] = []
        self.cleared: list[s.Alert] = []
        self.log: list[s.Event] = []
        self.tasks: dict[str, s.TaskView] = {}
        self.voices = Voices()
        self.on_event: Callable[[Sequence[int]], None] = lambda _: None
        self.answers = {
            "list_active_sessions": self._active_sessions,
            "list_active_agents": lambda _: s.ListActiveAgentsReply(agents=self.agents, total_agents=len(self.agents)),
            "resource_summary": self._resources,
            "list_roles": self._roles,
            "statistics": self._statistics,
            "session_history": self._history,
            "list_events": self._events,
            "get_session": lambda ref: session_view(self, ref.session_id),
            "get_task": lambda ref: self.tasks[ref.task_id],
            "get_receipt": lambda ref: receipt(self, ref.session_id),
            "list_alerts": self._alerts,
            **self.library.answers(self),
        }

    # ── what a test or a picture puts on the stage

    def open_session(self, task: int, *, running_s: float, text: str | None = None) -> s.ActiveSession:
        """Open a session of `TASKS`, with its agents and their models."""
        session = self._session(task, running_s, text)
        self.sessions.insert(0, session)
        for role in session.active_agents:
            self._spawn(role, session, running_s)
        return session

    def ask(self, task: int, *, running_s: float, question: str) -> s.ActiveSession:
        """Open a session of `TASKS` that waits for an answer: nothing of it is started."""
        waiting = {"status": s.SessionStatus.STARTING, "active_agents": [], "question": question}
        session = self._session(task, running_s).model_copy(update=waiting)
        self.sessions.insert(0, session)
        return session

    def _session(self, task: int, running_s: float, text: str | None = None) -> s.ActiveSession:
        category, description, team = TASKS[task]
        created = self.now - timedelta(seconds=running_s)
        return s.ActiveSession(
            session_id=f"session_{created:%Y%m%d_%H%M%S}_{84329 + task}",
            task_description=description if text is None else text,
            active_agents=list(team),
            created_at=created,
            uptime_minutes=round(running_s / 60, 1),
            status=s.SessionStatus.ACTIVE,
            task_category=s.TaskCategory(category),
            uptime_seconds=running_s,
        )

    def _spawn(self, role: str, session: s.ActiveSession, running_s: float) -> None:
        model = MODEL_OF[role]
        known = next((agent for agent in self.agents if agent.role == role), None)
        if known is None:
            known = s.AgentInfo(
                role=role,
                title=TITLES[role],
                model=model,
                memory_gb=MODELS[model],
                model_resident=self._load(model),
                sessions=[],
                spawned_at=session.created_at + timedelta(seconds=1),
                uptime_seconds=running_s - 1,
                pid=4711,
                node="n1",
                restarts=0,
                turns_running=0,
            )
            self.agents.append(known)
            self.agents.sort(key=lambda agent: list(TITLES).index(agent.role))
        known.sessions.append(session.session_id)
        for resident in self.residents:
            if resident.model == model and session.session_id not in resident.held_by:
                resident.held_by.append(session.session_id)

    def _load(self, model: str) -> bool:
        if any(resident.model == model for resident in self.residents):
            return True
        if sum(resident.memory_gb for resident in self.residents) + MODELS[model] > self.capacity_gb:
            return False
        self.residents.append(
            s.ResidentModel(
                model=model,
                endpoint=URL,
                memory_gb=MODELS[model],
                gpu_gb=0,
                held_by=[],
                foreign=False,
                busy=False,
                loaded_at=self.now,
            )
        )
        return True

    def hold(self, model: str) -> None:
        """Have a model in memory, held by nobody."""
        self._load(model)

    def work(self, role: str) -> None:
        """Let a role speak now."""
        model = MODEL_OF[role]
        self.agents = [a.model_copy(update={"turns_running": 1}) if a.role == role else a for a in self.agents]
        self.residents = [r.model_copy(update={"busy": True}) if r.model == model else r for r in self.residents]

    def happen(
        self,
        kind: s.EventKind,
        session_id: str | None = None,
        *,
        role: str | None = None,
        model: str | None = None,
        data: dict[str, Any] | None = None,
        announced: bool = True,
    ) -> s.Event:
        """Let an event stand in the log, and announce it."""
        event = s.Event(
            event_id=len(self.log) + 1,
            at=self.now + timedelta(seconds=len(self.log)),
            kind=kind,
            session_id=session_id,
            role=role,
            model=model,
            data=data or {},
        )
        self.log.append(event)
        if announced:
            self.on_event([event.event_id])
        return event

    def delegate(self, session: s.ActiveSession, text: str = "", *, turns: int = 3) -> s.TaskView:
        """Give a session a task."""
        task = new_task(self, session, text or session.task_description, turns=turns)
        self.happen(s.EventKind.TASK_STARTED, session.session_id, data={"task_id": task.task_id})
        return task

    def begin(self, task: s.TaskView, role: str, *, attempt: int = 1) -> str:
        """Let a role begin its turn in a task; return the turn's id."""
        turn = len(self.tasks[task.task_id].replies)
        facts = {"task_id": task.task_id, "turn": turn, "attempt": attempt}
        self.happen(s.EventKind.TURN_STARTED, task.session_id, role=role, model=MODEL_OF[role], data=facts)
        return f"{task.task_id}:{turn}"

    def store(self, task: s.TaskView, role: str, text: str) -> s.TaskView:
        """Let what a role has said be stored: its turn is over."""
        facts = {"task_id": task.task_id, "turn": len(self.tasks[task.task_id].replies)}
        self.voices.end(f"{task.task_id}:{facts['turn']}")
        task = take_turn(self, self.tasks[task.task_id], role, text)
        self.happen(s.EventKind.TURN_COMPLETED, task.session_id, role=role, model=MODEL_OF[role], data=facts)
        return task

    def speak(self, task: s.TaskView, role: str, text: str) -> s.TaskView:
        """Let a role take its turn in a task."""
        self.begin(task, role)
        return self.store(task, role, text)

    def end_all(self) -> None:
        """End every session and free what they held."""
        self.sessions, self.agents, self.residents = [], [], []

    def remember(self, days: int, *, per_day: int) -> None:
        """Fill the history: `per_day` sessions on each of the last `days` days, today included."""
        for back in range(days):
            day = (self.now - timedelta(days=back)).replace(hour=6, minute=2, second=11, microsecond=0)
            self.past += [self._ended(day + timedelta(minutes=7 * n, seconds=13 * n), back + n) for n in range(per_day)]
        self.past.sort(key=lambda session: session.started_at, reverse=True)

    def _ended(self, started: datetime, n: int) -> s.HistorySession:
        category, text, team = TASKS[n % len(TASKS)]
        seconds = 42.0 + 61.5 * (n % 7)
        return s.HistorySession(
            session_id=f"session_{started:%Y%m%d_%H%M%S}_{10000 + n}",
            task_category=s.TaskCategory(category),
            task_type=s.TaskType.GENERAL,
            complexity=s.Complexity.MEDIUM,
            task_description=text,
            active_agents=list(team),
            total_agents_spawned=len(team),
            tasks_delegated=1,
            status=s.SessionStatus.FAILED if n % 11 == 10 else s.SessionStatus.COMPLETED,
            started_at=started,
            ended_at=started + timedelta(seconds=seconds),
            duration_seconds=seconds,
            resources_used={"gb_seconds": seconds * 21.4, "all_roles_gb_seconds": seconds * BASELINE_GB},
            simulated=self.simulated,
        )

    # ── what the monitor asks

    def _active_sessions(self, _: s.Request) -> s.ListActiveSessionsReply:
        return s.ListActiveSessionsReply(sessions=self.sessions, total_sessions=len(self.sessions))

    def _resources(self, _: s.Request) -> s.ResourceSummaryReply:
        used = sum(resident.memory_gb for resident in self.residents)
        count = len(self.agents)
        return s.ResourceSummaryReply(
            active_agents=count,
            total_memory_gb=used,
            cpu_load="idle" if count == 0 else "low" if count <= 2 else "medium" if count <= 5 else "high",
            active_sessions=len(self.sessions),
            capacity_gb=self.capacity_gb,
            all_roles_memory_gb=BASELINE_GB,
            memory_saved_ratio=1 - used / BASELINE_GB,
            models=self.residents,
            turns_running=sum(agent.turns_running for agent in self.agents),
            turns_waiting=0,
            simulated=self.simulated,
            endpoints=[self._endpoint(used)],
            alerts=len(self.raised),
            machines=self.machines,
        )

    def _endpoint(self, used_gb: float) -> s.EndpointInfo:
        return s.EndpointInfo(
            endpoint=ENDPOINT,
            url=URL,
            capacity_gb=self.capacity_gb,
            memory_gb=used_gb,
            models=len(self.residents),
            turns_running=sum(agent.turns_running for agent in self.agents),
            turns_waiting=0,
            suspect=None,
        )

    def _alerts(self, _: s.Request) -> s.ListAlertsReply:
        return s.ListAlertsReply(
            raised=self.raised,
            past=self.cleared,
            rules=[
                "memory: models take more than 95 % of an endpoint",
                "queue_wait: a turn has waited longer than 300 model seconds",
                "disk: less than 2 GB free where the record is kept",
            ],
        )

    def _roles(self, _: s.Request) -> s.ListRolesReply:
        roles = [
            s.RoleInfo(
                role=role,
                title=title,
                reports_to=None,
                model=model,
                fallbacks=[],
                num_ctx=8192,
                memory_gb=gb,
                cpu=2,
                gpu=0,
                summary="",
            )
            for role, title, model, gb in ROLES
        ]
        return s.ListRolesReply(
            catalogue="echo", roles=roles, distinct_models=len(MODELS), all_roles_memory_gb=BASELINE_GB
        )

    def _history(self, request: s.SessionHistoryRequest) -> s.SessionHistoryReply:
        return history_reply(self.past, request, today=self.now.date())

    def _events(self, request: s.ListEventsRequest) -> s.ListEventsReply:
        found = [
            event
            for event in self.log
            if request.after < event.event_id < (request.before or 2**62)
            and request.session_id in (None, event.session_id)
            and request.role in (None, event.role)
            and request.model in (None, event.model)
            and (not request.kinds or event.kind in request.kinds)
        ]
        found = found[-request.limit :] if request.latest else found[: request.limit]
        return s.ListEventsReply(events=found, next_after=found[-1].event_id if found else request.after)

    def _statistics(self, request: s.StatisticsRequest) -> s.StatisticsReply:
        first = request.from_date or self.now.date()
        return statistics_reply(self.past, first, request.to_date or first)
