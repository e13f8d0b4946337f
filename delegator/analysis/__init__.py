"""Analysis: from the text of a task to what it is, how hard it is, and whom it needs. No model is called for it.

`Analyzer` is the way in, `analyze` its short form for one text. `Understanding` is the seam for other ways to read.
"""

from delegator.analysis.analyzer import Analyzer, analyze
from delegator.analysis.understanding import Confidence, Reading, Understanding

__all__ = ["Analyzer", "Confidence", "Reading", "Understanding", "analyze"]
