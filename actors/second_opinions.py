"""Asks a language model about a task that can be read in several ways, where that is wanted and costs nobody anything.

What is asked and what an answer may change is `delegator/analysis/second_opinion.py`'s; how a model is asked without
standing in anybody's way `asides.py`'s. Here is when, whom, and for how long. Whatever goes wrong, the local reading
stands, with a note of why.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from ray.exceptions import RayError

from actors.active_analysis import InUse
from actors.host_messages import Aside, HostView
from actors.parts import Parts
from actors.sizes import SMALL_NUM_CTX
from delegator.analysis.second_opinion import MAX_TOKENS, Prompt, choices_of, prompt_for, settle
from delegator.errors import DeadlineExceeded, DelegatorError, NoCapacity
from delegator.ollama.client import normalise
from delegator.residency.planner import Resident
from delegator.roles.catalogue import Model
from delegator.schemas import AnalyzeTaskRequest, TaskAnalysis
from delegator.sessions.questions import MEANING

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A model that may be asked, on one endpoint."""

    endpoint_id: str
    model: Model
    may_load: bool = False


class SecondOpinions:
    """Analyses tasks, and has doubtful ones read a second time where the settings say so."""

    def __init__(self, parts: Parts) -> None:
        """Work with these parts."""
        self._parts = parts

    async def analyze(self, request: AnalyzeTaskRequest) -> TaskAnalysis:
        """Say what a task is and whom it needs; takes at most `second_opinion_s` longer than the local reading.

        Raises:
            UnknownRole, InvalidInput: the wishes about roles cannot be kept.
        """
        in_use = self._parts.analyzer.in_use
        local = await asyncio.to_thread(in_use.analyze, request)
        if not self._is_wanted(request, local):
            return local
        try:
            async with asyncio.timeout(self._parts.settings.analysis.second_opinion_s):
                return await self._read_again(request, local, in_use)
        except (TimeoutError, DeadlineExceeded):
            seconds = self._parts.settings.analysis.second_opinion_s
            return _with_note(local, f"No second opinion: no model answered within {seconds:g} s.")
        except (DelegatorError, RayError) as exc:
            log.info("a second opinion failed: %s", exc)
            why = exc.message if isinstance(exc, DelegatorError) else type(exc).__name__
            return _with_note(local, f"No second opinion: {why.rstrip('.')}.")

    def _is_wanted(self, request: AnalyzeTaskRequest, local: TaskAnalysis) -> bool:
        is_on = self._parts.settings.analysis.second_opinion != "off"
        is_settled = request.task_type is not None or request.task_category is not None
        return is_on and not is_settled and local.confidence == "low"

    async def _read_again(self, request: AnalyzeTaskRequest, local: TaskAnalysis, in_use: InUse) -> TaskAnalysis:
        reading = in_use.analyzer.read(request)
        choices = choices_of(reading)
        if not choices:
            return local
        prompt = prompt_for(request.task_description, choices, MEANING)
        model, answer = await self._ask(prompt)
        told_as = f"{model} (simulated)" if self._parts.simulated else model  # whose choice then means nothing
        settled = settle(reading, answer, model=told_as)
        if settled.reading is reading:
            return _with_note(local, settled.note)
        return _with_note(in_use.analyze(request, settled.reading), settled.note)

    async def _ask(self, prompt: Prompt) -> tuple[str, str]:
        """Return the name of a model and what it answered; of several the next is asked where one has no time.

        Raises:
            NoCapacity: none has time.
            DelegatorError: the one that was asked failed.
        """
        ends_at = time.monotonic() + self._parts.settings.analysis.second_opinion_s
        why: NoCapacity | None = None
        for candidate in self._candidates(await self._usable_views()):
            aside = _aside(candidate, prompt, deadline_s=max(0.1, ends_at - time.monotonic()))
            try:
                return candidate.model.name, await self._parts.hosts.get(candidate.endpoint_id).aside(aside)
            except NoCapacity as exc:
                why = exc
        if why is None or self._asks_residents:
            raise NoCapacity("no resident model was idle")
        raise why

    @property
    def _asks_residents(self) -> bool:
        return self._parts.settings.analysis.second_opinion == "resident"

    async def _usable_views(self) -> list[HostView]:
        views = await self._parts.hosts.views()
        doubts = self._parts.hosts.doubts
        return [v for v in views.values() if v.suspect is None and doubts.why(v.endpoint_id) is None]

    def _candidates(self, views: Sequence[HostView]) -> list[_Candidate]:
        """Return who may be asked, in this order: the smallest idle ones, or the one that is set where it may be."""
        if self._asks_residents:
            idle = [(r.size_bytes, r.model, v.endpoint_id) for v in views for r in v.snapshot.residents if _idles(r)]
            return [_Candidate(endpoint_id, self._model(name)) for _, name, endpoint_id in sorted(idle)]
        model = self._model(self._parts.settings.analysis.second_opinion)
        having = [v for v in views if any(normalise(r.model) == normalise(model.name) for r in v.snapshot.residents)]
        if having:  # a second copy elsewhere would only take memory
            return [_Candidate(view.endpoint_id, model) for view in having]
        roomy = sorted(views, key=lambda view: view.snapshot.used_bytes - view.snapshot.capacity_bytes)
        return [_Candidate(view.endpoint_id, model, may_load=True) for view in roomy]

    def _model(self, name: str) -> Model:
        """Return a model by its name: the catalogue's with its options, else one of which only its file tells."""
        known = {normalise(model.name): model for model in self._parts.catalogue.models.values()}
        unknown = Model(name, num_ctx=SMALL_NUM_CTX, memory_bytes=0, fallbacks=(), gpu=0.0)
        return known.get(normalise(name), unknown)


def _idles(resident: Resident) -> bool:
    return not (resident.busy or resident.foreign or resident.announced)


def _aside(candidate: _Candidate, prompt: Prompt, *, deadline_s: float) -> Aside:
    return Aside(
        f"aside_{uuid4().hex}",
        candidate.model,
        ({"role": "system", "content": prompt.system}, {"role": "user", "content": prompt.user}),
        prompt.schema,
        MAX_TOKENS,
        deadline_s,
        may_load=candidate.may_load,
    )


def _with_note(analysis: TaskAnalysis, note: str) -> TaskAnalysis:
    return analysis.model_copy(update={"notes": [*analysis.notes, note]})
