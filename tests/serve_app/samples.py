"""A backend with fixed answers, and one valid reply of every operation."""

from __future__ import annotations

import inspect
from datetime import UTC, date, datetime, timedelta
from typing import Any

from delegator import schemas as s
from serve_app.calls import AsyncCaller, Calls
from serve_app.operations import BY_NAME, Operation

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SESSION = "session_20260102_030405_00001"
TASK = "task_20260102_030406_00001"

RESOURCES = s.Resources(memory_gb=8.04, cpu_cores=2)
LIMITS = s.Limits(complexity=s.Complexity.LOW, max_agents=2, max_memory_gb=10)
ANALYSIS = s.TaskAnalysis(
    task_type=s.TaskType.BUG_FIX,
    task_category=s.TaskCategory.QUICK_FIX,
    complexity=s.Complexity.LOW,
    recommended_agents=["senior_developer"],
    reasoning="A small fix.",
    estimated_time="5 minutes",
    confidence="high",
    complexity_points=0,
    estimated_resources=RESOURCES,
    limits=LIMITS,
    models={"senior_developer": "deepseek-coder:6.7b"},
    reasons=[s.Reason(about="task_type", because="it says typo", words=["typo"])],
)
RECEIPT = s.Receipt(
    session_id=SESSION,
    final=True,
    agents_used=1,
    agents_total=9,
    seconds_to_ready=4.2,
    duration_seconds=60,
    peak_gb=8,
    gb_seconds=480,
    all_roles_gb=70,
    all_roles_gb_seconds=4200,
    memory_saved_ratio=0.8857,
    gb_seconds_saved_ratio=0.8857,
    loads=1,
    load_seconds=4.0,
    turns=1,
    prompt_tokens=100,
    reply_tokens=50,
    roles=[s.RoleUse(role="senior_developer", turns=1, prompt_tokens=100, reply_tokens=50, speaking_seconds=2)],
    electricity=s.Electricity(
        source="modelled",
        watt_hours=0.12,
        all_roles_watt_hours=0.48,
        saved_watt_hours=0.36,
        saved_ratio=0.75,
        machine_watt_hours=None,
        counters=[],
    ),
    money=s.ReceiptMoney(
        currency="EUR",
        used=s.Cost(memory=0.0002, gpu=0, electricity=0.0001, total=0.0003),
        all_roles=s.Cost(memory=0.0021, gpu=0, electricity=0.0003, total=0.0024),
        saved=0.0021,
        saved_ratio=0.875,
    ),
    sizes="measured",
    baseline="estimated",
    simulated=True,
    basis=s.ReceiptBasis(
        agents_total=9,
        models=[
            s.BasisModel(model="deepseek-coder:6.7b", bytes=8_000_000_000, measured=False, gpu=0, in_baseline=True)
        ],
        prices=s.PriceList(),
        power=s.PowerModel(),
        clock_scale=10,
        simulated=True,
        final=True,
        until=NOW,
        last_event_id=1,
    ),
)
AGENT = s.AgentInfo(
    role="senior_developer",
    title="Senior Developer",
    model="deepseek-coder:6.7b",
    memory_gb=8,
    model_resident=True,
    sessions=[SESSION],
    spawned_at=NOW,
    uptime_seconds=10,
    pid=4711,
    node="n1",
    restarts=0,
    turns_running=0,
)
RESIDENT = s.ResidentModel(
    model="deepseek-coder:6.7b",
    endpoint="http://127.0.0.1:11434",
    memory_gb=8,
    gpu_gb=0,
    held_by=[SESSION],
    foreign=False,
    busy=False,
    loaded_at=NOW,
)
FIT_BEFORE = s.HistoryFigures(types_given=4, types_right=1, wanted=3, wanted_there=1, unwanted=2, unwanted_there=2)
FIT_AFTER = s.HistoryFigures(types_given=4, types_right=3, wanted=3, wanted_there=2, unwanted=2, unwanted_there=0)
EVALUATION: dict[str, Any] = {
    "version": 3,
    "lessons": 7,
    "lessons_by_kind": {"feedback": 5, "role_removed": 2},
    "mean_rating": 2.5,
    "texts": 5,
    "now": FIT_BEFORE,
    "before": FIT_BEFORE,
    "after": FIT_AFTER,
    "folds": 5,
    "corpus_before": s.CorpusFigures(texts=4706, type_right=0.74, role_right=0.79, role_in_two=0.92),
    "corpus_after": s.CorpusFigures(texts=4706, type_right=0.739, role_right=0.79, role_in_two=0.92),
    "changes": [
        s.ReadingChange(
            text="The site is down",
            type_now=s.TaskType.BUG_FIX,
            type_then=s.TaskType.OPERATIONS,
            team_now=["senior_developer"],
            team_then=["operations_head"],
        )
    ],
    "changes_total": 1,
    "refused": None,
    "seconds": 2.4,
}


def active(session_id: str = SESSION) -> s.ActiveSession:
    return s.ActiveSession(
        session_id=session_id,
        task_description="Fix typo in README",
        active_agents=["senior_developer"],
        created_at=NOW,
        uptime_minutes=1.5,
        status=s.SessionStatus.ACTIVE,
        task_category=s.TaskCategory.QUICK_FIX,
        uptime_seconds=90,
    )


def needs_input() -> s.CreateSessionReply:
    """Return what create_session answers where it asks."""
    reply = REPLIES["create_session"]
    assert isinstance(reply, s.CreateSessionReply)
    asking: dict[str, Any] = {
        "status": "needs_input",
        "session_status": s.SessionStatus.STARTING,
        "active_agents": [],
        "models": {},
    }
    nothing: dict[str, Any] = {"seconds_to_ready": None, "plan_id": None, "degradations": [], "changed": []}
    return reply.model_copy(update={**asking, **nothing, "question": QUESTION})


def task(
    status: str = "completed", *, turns_done: int = 1, role: str | None = None, waiting: str | None = None
) -> s.TaskView:
    turn = s.TurnReply(
        role="senior_developer",
        text="Done.",
        purpose="answer",
        model="deepseek-coder:6.7b",
        prompt_tokens=100,
        reply_tokens=50,
        seconds=2,
    )
    return s.TaskView(
        task_id=TASK,
        session_id=SESSION,
        status=s.TaskStatus(status),
        task="Fix typo in README",
        turns_done=turns_done,
        turns_total=2,
        current_role=role,
        waiting_for=waiting,
        replies=[turn] * turns_done,
        answer="Done." if status == "completed" else None,
        error=None,
        created_at=NOW,
        ended_at=NOW if status == "completed" else None,
        seconds=2,
        simulated=True,
    )


def pull(status: str = "completed", *, ratio: float = 1.0, error: s.ErrorBody | None = None) -> s.Pull:
    return s.Pull.model_validate(
        {
            "model": "llama3.2:3b",
            "endpoint": "ollama",
            "status": status,
            "phase": "success" if status == "completed" else "pulling 6a0746a1ec1a",
            "completed_gb": 2.0 * ratio,
            "total_gb": 2.0,
            "progress_ratio": ratio,
            "seconds": 20,
            "started": True,
            "error": error,
            "simulated": True,
        }
    )


def control(
    state: str,
    *,
    model: str = "llama3.2:3b",
    pinned: bool = False,
    evicted: tuple[str, ...] = (),
    warnings: tuple[str, ...] = (),
) -> s.ModelControlReply:
    return s.ModelControlReply.model_validate(
        {
            "model": model,
            "endpoint": "ollama",
            "state": state,
            "pinned": pinned,
            "memory_gb": 3.4,
            "evicted": list(evicted),
            "warnings": list(warnings),
            "simulated": True,
        }
    )


FIT = s.FitModelsReply(
    machines=[
        s.MachineFit(
            endpoint="ollama",
            capacity_gb=24,
            catalogue="echo",
            roles=[
                s.RoleFitInfo(
                    role="cto", model="deepseek-coder:33b", uses="deepseek-coder:33b", memory_gb=21.4, verdict="alone"
                ),
                s.RoleFitInfo(
                    role="uiux_engineer",
                    model="llama3.2-vision:11b",
                    uses=None,
                    memory_gb=9.7,
                    verdict="too_large",
                    why="does not load",
                    alternative="qwen3:8b",
                ),
            ],
            together=["ceo", "senior_developer"],
            together_gb=19.7,
            all_roles_gb=72.4,
            catalogues=[
                s.CatalogueFitInfo(
                    catalogue="compact", roles_usable=9, roles_together=7, teams_together=7, teams=7, all_roles_gb=31.5
                )
            ],
            suggested="compact",
        )
    ],
    sizes="estimated",
    simulated=True,
)


QUESTION = s.Question(
    question="Is this a bug fix, or rather feature development?",
    options=[
        s.QuestionOption(
            answer=s.TaskType.BUG_FIX,
            meaning="Something that is there does not work and is to be mended.",
            recommended_agents=["senior_developer"],
            probability=0.5,
        ),
        s.QuestionOption(
            answer=s.TaskType.FEATURE_DEVELOPMENT,
            meaning="Something new is to be built, or something there is to do more.",
            recommended_agents=["product_manager", "senior_developer"],
            probability=0.4,
        ),
    ],
)

PLAN = "plan_20251112_143022_0084329517"

DEGRADATIONS = [
    s.Degradation(
        rung=s.Rung.WAIT, role="cto", asked="a:1b", given="a:1b", models=["mistral:7b"], why="it waits.", eta_s=18
    ),
    s.Degradation(
        rung=s.Rung.SMALLER, role="ceo", asked="b:14b", given="b:7b", why="ceo speaks with b:7b.", saves_gb=5
    ),
]

REPLIES: dict[str, s.Reply] = {
    "analyze_task": ANALYSIS,
    "plan_session": s.PlanSessionReply(
        analysis=ANALYSIS,
        models=[
            s.PlannedModel(
                model="deepseek-coder:6.7b", roles=["senior_developer"], memory_gb=8, action="load", load_seconds=4
            )
        ],
        would_evict=[],
        needed_gb=8,
        peak_gb=8,
        free_gb=56,
        capacity_gb=64,
        seconds_to_ready=4,
        possible=True,
        notes=[],
        simulated=True,
        plan_id=PLAN,
        expires_at=NOW,
        degradations=DEGRADATIONS,
        seconds_waiting=1,
        load_seconds=4,
        task_seconds=22,
        gb_seconds=176,
        money=s.ExpectedCost(memory=0.01, gpu=0, electricity=0.02, total=0.03, currency="EUR"),
    ),
    "create_session": s.CreateSessionReply(
        session_id=SESSION,
        active_agents=["senior_developer"],
        estimated_resources=RESOURCES,
        status="ready",
        session_status=s.SessionStatus.ACTIVE,
        task_type=s.TaskType.BUG_FIX,
        task_category=s.TaskCategory.QUICK_FIX,
        complexity=s.Complexity.LOW,
        models={"senior_developer": "deepseek-coder:6.7b"},
        limits=LIMITS,
        seconds_to_ready=4.2,
        notes=[],
        simulated=True,
        plan_id=PLAN,
        degradations=DEGRADATIONS,
        changed=["mistral:7b need not leave memory."],
    ),
    "answer_question": s.CreateSessionReply(
        session_id=SESSION,
        active_agents=["product_manager", "senior_developer"],
        estimated_resources=RESOURCES,
        status="ready",
        session_status=s.SessionStatus.ACTIVE,
        task_type=s.TaskType.FEATURE_DEVELOPMENT,
        task_category=s.TaskCategory.DEVELOPMENT,
        complexity=s.Complexity.MEDIUM,
        models={"product_manager": "llama3.1:8b", "senior_developer": "deepseek-coder:6.7b"},
        limits=LIMITS,
        seconds_to_ready=4.2,
        notes=[],
        simulated=True,
    ),
    "get_session": s.SessionView(
        session_id=SESSION,
        status=s.SessionStatus.ACTIVE,
        task_description="Fix typo in README",
        task_type=s.TaskType.BUG_FIX,
        task_category=s.TaskCategory.QUICK_FIX,
        complexity=s.Complexity.LOW,
        active_agents=["senior_developer"],
        models={"senior_developer": "deepseek-coder:6.7b"},
        context={"priority": "high"},
        limits=LIMITS,
        created_at=NOW,
        started_at=NOW,
        ended_at=None,
        end_reason=None,
        seconds_to_ready=4.2,
        duration_seconds=90,
        total_agents_spawned=1,
        tasks_delegated=1,
        tasks=[
            s.TaskSummary(
                task_id=TASK, status=s.TaskStatus.COMPLETED, task="Fix typo in README", created_at=NOW, ended_at=NOW
            )
        ],
        resources_used=None,
        analysis=ANALYSIS,
        notes=[],
        simulated=True,
    ),
    "list_active_sessions": s.ListActiveSessionsReply(sessions=[active()], total_sessions=1),
    "end_session": s.EndSessionReply(
        session_id=SESSION,
        agents_terminated=["senior_developer"],
        resources_freed_gb=8,
        session_duration_minutes=1,
        duration_seconds=60,
        models_unloaded=["deepseek-coder:6.7b"],
        models_kept=[],
        receipt=RECEIPT,
        simulated=True,
    ),
    "get_receipt": RECEIPT,
    "add_agent_to_session": s.AddAgentReply(
        agent_role="ceo",
        status="spawned",
        model="qwen2.5:14b",
        ready_in_seconds=15,
        session_id=SESSION,
        active_agents=["ceo", "senior_developer"],
        notes=[],
    ),
    "give_feedback": s.GiveFeedbackReply(
        session_id=SESSION,
        rating=2,
        right_type=s.TaskType.OPERATIONS,
        missing_roles=["cto"],
        needless_roles=["test_lead"],
        comment="It was an outage.",
        task_type=s.TaskType.BUG_FIX,
        teaches=True,
        lessons=7,
    ),
    "evaluate_analysis": s.AnalysisEvaluation(**EVALUATION),
    "retrain_analysis": s.RetrainAnalysisReply(**EVALUATION, applied=True, applied_version=4),
    "reset_analysis": s.ResetAnalysisReply(version=None, version_before=3),
    "list_analysis_versions": s.ListAnalysisVersionsReply(
        version=3,
        versions=[
            s.AnalysisVersionInfo(
                version=3, at=NOW, active=True, lessons=5, before=FIT_BEFORE, after=FIT_AFTER, fits=True
            ),
            s.AnalysisVersionInfo(
                version=2, at=NOW, active=False, lessons=4, before=FIT_BEFORE, after=FIT_BEFORE, fits=False
            ),
        ],
        lessons=7,
    ),
    "remove_agent_from_session": s.RemoveAgentReply(
        agent_role="test_lead",
        status="terminated",
        resources_freed_gb=8,
        session_id=SESSION,
        active_agents=["senior_developer"],
    ),
    "list_active_agents": s.ListActiveAgentsReply(agents=[AGENT], total_agents=1),
    "restart_agent": s.RestartAgentReply(agent_role="test_lead", pid=4712, restarts=1, sessions=[SESSION]),
    "delegate_task": task("queued", turns_done=0),
    "get_task": task(),
    "cancel_task": task("cancelled"),
    "send_message": s.SendMessageReply(
        session_id=SESSION,
        from_role="user",
        to_role="senior_developer",
        task_id=TASK,
        status=s.TaskStatus.COMPLETED,
        reply="Hello.",
        model="deepseek-coder:6.7b",
        simulated=True,
    ),
    "list_models": s.ListModelsReply(
        catalogue="echo",
        models=[
            s.ModelInfo(
                model="deepseek-coder:6.7b",
                endpoint="ollama",
                state="resident",
                disk_gb=3.83,
                memory_gb=8,
                measured=True,
                roles=["senior_developer"],
                fallback_of=[],
                needed=False,
                held_by=[SESSION],
            ),
            s.ModelInfo(
                model="qwen2.5:14b",
                endpoint=None,
                state="missing",
                disk_gb=None,
                memory_gb=11.1,
                measured=False,
                roles=["ceo"],
                fallback_of=["cto"],
                needed=True,
                problem="failed to load earlier",
            ),
        ],
        disk_gb=3.83,
        notes=["ollama-2: it does not answer"],
        simulated=True,
    ),
    "pull_model": pull(),
    "get_pull": pull(),
    "cancel_pull": pull("cancelled"),
    "remove_model": s.RemoveModelReply(
        model="codellama:13b", endpoint="ollama", disk_freed_gb=7.4, memory_freed_gb=0, simulated=True
    ),
    "load_model": control("resident", evicted=("codellama:13b",)),
    "unload_model": control("absent"),
    "pin_model": control("resident", pinned=True),
    "unpin_model": control("absent"),
    "fit_models": FIT,
    "session_history": s.SessionHistoryReply(
        sessions=[
            s.HistorySession(
                session_id=SESSION,
                task_category=s.TaskCategory.QUICK_FIX,
                task_type=s.TaskType.BUG_FIX,
                complexity=s.Complexity.LOW,
                task_description="Fix typo in README",
                active_agents=["senior_developer"],
                total_agents_spawned=1,
                tasks_delegated=1,
                status=s.SessionStatus.COMPLETED,
                started_at=NOW,
                ended_at=NOW,
                duration_seconds=60,
                resources_used={"memory_gb": 8, "cpu_cores": 2},
            )
        ],
        total_sessions=1,
        page=1,
        pages=1,
    ),
    "statistics": s.StatisticsReply(
        from_date=date(2026, 1, 1),
        to_date=date(2026, 1, 2),
        total_sessions=1,
        avg_agents_per_session=1,
        total_agents_spawned=1,
        category_breakdown={"quick_fix": 1},
        tasks_delegated=1,
        completed_sessions=1,
        failed_sessions=0,
        avg_duration_seconds=60,
        gb_seconds=480,
        gb_seconds_saved=3720,
        days=[
            s.DayFigures(day=date(2026, 1, 1), sessions=0, agents=0, gb_seconds=0, gb_seconds_saved=0),
            s.DayFigures(day=date(2026, 1, 2), sessions=1, agents=1, gb_seconds=480, gb_seconds_saved=3720),
        ],
        durations=[
            s.DurationShare(up_to_seconds=60, sessions=1),
            s.DurationShare(up_to_seconds=None, sessions=0),
        ],
        roles=[s.RoleFigures(role="senior_developer", sessions=1, turns=1, reply_tokens=50)],
        turns=1,
        prompt_tokens=100,
        reply_tokens=50,
        loads=1,
        load_seconds=4,
        resident_hit_ratio=0.0,
        money=[s.MoneyFigures(currency="EUR", used=0.0003, saved=0.0021)],
    ),
    "resource_summary": s.ResourceSummaryReply(
        active_agents=1,
        total_memory_gb=8,
        cpu_load="low",
        active_sessions=1,
        capacity_gb=64,
        all_roles_memory_gb=70,
        memory_saved_ratio=0.8857,
        models=[RESIDENT],
        turns_running=0,
        turns_waiting=0,
        simulated=True,
    ),
    "list_roles": s.ListRolesReply(
        catalogue="echo",
        roles=[
            s.RoleInfo(
                role="ceo",
                title="Chief Executive Officer",
                reports_to=None,
                model="qwen2.5:14b",
                fallbacks=[],
                num_ctx=8192,
                memory_gb=11,
                cpu=2,
                gpu=0,
                summary="Decides.",
            )
        ],
        distinct_models=7,
        all_roles_memory_gb=70,
    ),
    "list_events": s.ListEventsReply(
        events=[s.Event(event_id=1, at=NOW, kind=s.EventKind.SESSION_CREATED, session_id=SESSION)], next_after=1
    ),
    "list_alerts": s.ListAlertsReply(
        raised=[
            s.Alert(
                rule="memory",
                subject="ollama",
                message="The models on ollama take 62.5 of 64.0 GB, 98 %; 95 % are allowed.",
                hint="End sessions that are not needed.",
                value=0.9766,
                limit=0.95,
                raised_at=NOW,
            )
        ],
        past=[
            s.Alert(
                rule="crash_loop",
                subject="test_lead",
                message="The agent test_lead was lost 3 times within 600 s.",
                hint="list_events shows why each time.",
                value=2,
                limit=3,
                raised_at=NOW - timedelta(minutes=20),
                cleared_at=NOW - timedelta(minutes=5),
            )
        ],
        rules=["memory: models take more than 95 % of an endpoint"],
        webhook="hooks.example.com",
    ),
    "cleanup_orphaned_agents": s.CleanupReply(
        agents_removed=["agent-ceo"],
        models_unloaded=[],
        sessions_closed=[],
        placement_groups_removed=[],
        processes_checked=9,
    ),
}


class CannedBackend(Calls, AsyncCaller):
    """Answers every operation with its sample, and remembers what it was asked.

    `answers` replaces samples: a reply, an error to raise, or a function of the request; a list gives one after the
    other, the last for good.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.asked: list[tuple[str, s.Request]] = []
        self.answers: dict[str, Any] = {}
        self.down: Exception | None = None

    async def call(self, operation: Operation, request: s.Request) -> s.Reply:
        self.asked.append((operation.name, request))
        answer = self.answers.get(operation.name, REPLIES[operation.name])
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if callable(answer):
            answer = answer(request)
        if inspect.isawaitable(answer):
            answer = await answer
        if isinstance(answer, BaseException):
            raise answer
        return answer  # type: ignore[no-any-return]

    async def ping(self) -> None:
        if self.down is not None:
            raise self.down


def example_request(operation: Operation) -> s.Request:
    return operation.request.model_validate(operation.example)


assert set(REPLIES) == {name for name, operation in BY_NAME.items() if operation.handler is None}
