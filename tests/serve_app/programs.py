"""Programs that tests start, and the environment they start them in."""

from __future__ import annotations

import os
from pathlib import Path

STDIO_PROGRAM = str(Path(__file__).with_name("stdio_program.py"))
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
