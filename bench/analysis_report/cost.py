"""What the analysis costs a program that uses it: import, memory, bytes, and lines a second on the command line."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

FRESH_PROCESSES = 3
"""The median of so many is told."""

DEADLINE_S = 600

_PROGRAM = """
import json, sys, time
import psutil
texts = json.load(sys.stdin)
process = psutil.Process()
before = process.memory_info().rss
begun = time.perf_counter()
import delegator.analysis
imported = time.perf_counter()
delegator.analysis.analyze(texts[0])
first = time.perf_counter()
for text in texts[1:]:
    delegator.analysis.analyze(text)
added = process.memory_info().rss - before
print(json.dumps([imported - begun, first - imported, added]))
"""


@dataclass(frozen=True)
class Cost:
    """What was measured in processes of their own.

    Attributes:
        import_s: seconds of `import delegator.analysis`.
        first_call_s: seconds of the first call, which reads the weights.
        added_bytes: resident memory added by the import and by analysing the texts, the libraries included.
        weights_bytes: the file of the weights.
        start_s: seconds from the start of `delegator analyze --jsonl` to its first answer.
        lines_per_s: its answers a second after the first.
    """

    import_s: float
    first_call_s: float
    added_bytes: int
    weights_bytes: int
    start_s: float
    lines_per_s: float


def measure_cost(texts: Sequence[str]) -> Cost:
    """Measure with these texts, of which there must be two at least."""
    found = [_fresh(texts) for _ in range(FRESH_PROCESSES)]
    import_s, first_s, added = (statistics.median(values) for values in zip(*found, strict=True))
    start_s, lines_per_s = _lines(texts)
    size = len(files("delegator.analysis").joinpath("data/weights.npz").read_bytes())
    return Cost(import_s, first_s, round(added), size, start_s, lines_per_s)


def _fresh(texts: Sequence[str]) -> tuple[float, float, float]:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        input=json.dumps(list(texts)),
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=True,
    )
    import_s, first_s, added = json.loads(done.stdout)
    return import_s, first_s, added


def _lines(texts: Sequence[str]) -> tuple[float, float]:
    """Return seconds to the first answer of the command, and answers a second from then on."""
    with tempfile.TemporaryFile() as lines:
        lines.write(b"".join(json.dumps({"text": text}).encode() + b"\n" for text in texts))
        lines.seek(0)
        begun = time.perf_counter()
        command = [sys.executable, "-m", "serve_app.cli", "analyze", "--jsonl"]
        with subprocess.Popen(command, stdin=lines, stdout=subprocess.PIPE) as program:
            try:
                assert program.stdout is not None
                program.stdout.readline()
                first = time.perf_counter()
                count = sum(1 for _ in program.stdout)
                ended = time.perf_counter()
            finally:
                program.kill()  # does nothing once it has ended
    if count != len(texts) - 1:
        raise RuntimeError(f"delegator analyze --jsonl answered {count + 1} of {len(texts)} lines")
    return first - begun, count / (ended - first)
