"""The analysis in use: the shipped weights, corrected by what use has taught where a version of that is active.

Owns which version reads, and the change from one to another: whoever reads meanwhile reads by one of them, whole.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from delegator.analysis import Analyzer
from delegator.analysis.correction import Learned
from delegator.analysis.learned import LearnedUnderstanding
from delegator.analysis.understanding import Reading, Understanding
from delegator.analysis.weights import shipped_weights
from delegator.roles.catalogue import Catalogue
from delegator.schemas import AnalyzeTaskRequest, TaskAnalysis
from delegator.settings import Settings
from delegator.store.records import AnalysisVersion

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class InUse:
    """What tasks are read by. `version` and `learned` are None while that is the shipped weights alone."""

    analyzer: Analyzer
    version: int | None
    learned: Learned | None

    def analyze(self, request: AnalyzeTaskRequest, reading: Reading | None = None) -> TaskAnalysis:
        """Say what a task is and whom it needs, of its text by a `reading` where that is given.

        Raises:
            UnknownRole, InvalidInput: the wishes about roles cannot be kept.
        """
        analysis = self.analyzer.analyze(request, reading)
        if self.version is None:
            return analysis
        note = f"Read with what use has taught (version {self.version})."
        return analysis.model_copy(update={"notes": [*analysis.notes, note]})


class ActiveAnalysis:
    """Analyses tasks by the version in use."""

    def __init__(self, catalogue: Catalogue, settings: Settings, understanding: Understanding | None = None) -> None:
        """Begin with the shipped weights alone, or with what stands in for them as long as nothing was learned."""
        self._catalogue = catalogue
        self._settings = settings
        self._unlearned = understanding or LearnedUnderstanding(catalogue)
        self.weights = shipped_weights()
        self._in_use = self._prepared(None)

    @property
    def in_use(self) -> InUse:
        """Return what tasks are read by now."""
        return self._in_use

    def analyze(self, request: AnalyzeTaskRequest) -> TaskAnalysis:
        """Say what a task is and whom it needs, and by which version where one was learned.

        Raises:
            UnknownRole, InvalidInput: the wishes about roles cannot be kept.
        """
        return self._in_use.analyze(request)

    async def take(self, version: AnalysisVersion | None) -> None:
        """Read by a version from now on; None: by the shipped weights alone.

        A version that was learned beside other weights says nothing about these: then they read alone.
        """
        self._in_use = await asyncio.to_thread(self._prepared, version)

    def analyzer_of(self, learned: Learned | None) -> Analyzer:
        """Return an analyzer that reads by the shipped weights and a correction of them."""
        understanding = self._unlearned
        if learned is not None:
            understanding = LearnedUnderstanding(self._catalogue, self.weights, learned)
        settings = self._settings
        return Analyzer(
            self._catalogue, settings.complexity_limits, understanding=understanding, rules=settings.analysis.rules
        )

    def _prepared(self, version: AnalysisVersion | None) -> InUse:
        if version is not None:
            learned = Learned.from_json(version.weights)
            if learned.fits(self.weights):
                return InUse(self.analyzer_of(learned), version.version, learned)
            log.warning("version %d of the analysis was learned beside other weights: not used", version.version)
        return InUse(self.analyzer_of(None), None, None)
