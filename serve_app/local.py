"""The two operations that need no running system: `analyze_task` and `list_roles`.

Owns nothing but how a catalogue is shown. The gateway answers them here, without a way through an actor, and so does
the command line without Delegator being up.
"""

from __future__ import annotations

from delegator.analysis import Analyzer
from delegator.roles import Catalogue, Role
from delegator.schemas import AnalyzeTaskRequest, ListRolesReply, NoInput, RoleInfo, TaskAnalysis
from delegator.settings import GB, Settings


class LocalAnswers:
    """Answers from the catalogue and the rules alone; the same everywhere, and in milliseconds."""

    def __init__(self, catalogue: Catalogue, settings: Settings) -> None:
        self._catalogue = catalogue
        self._analyzer = Analyzer(catalogue, settings.complexity_limits, rules=settings.analysis.rules)

    def analyze_task(self, request: AnalyzeTaskRequest) -> TaskAnalysis:
        """Say what a task is and whom it needs."""
        return self._analyzer.analyze(request)

    def list_roles(self, _request: NoInput) -> ListRolesReply:
        """Show the catalogue, most senior role first."""
        roles = self._catalogue.roles.values()
        return ListRolesReply(
            catalogue=self._catalogue.name,
            roles=[_shown(role) for role in roles],
            distinct_models=len({role.model for role in roles}),
            all_roles_memory_gb=self._catalogue.baseline_bytes / GB,
        )


def _shown(role: Role) -> RoleInfo:
    return RoleInfo(
        role=role.name,
        title=role.title,
        reports_to=role.reports_to,
        model=role.model,
        fallbacks=list(role.fallbacks),
        num_ctx=role.num_ctx,
        memory_gb=role.memory_bytes / GB,
        cpu=role.cpu,
        gpu=role.gpu,
        summary=role.summary,
    )
