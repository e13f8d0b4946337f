"""Run the benchmarks: `python -m bench [name [option ...]]`; without a name the list of them."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

NAMES = sorted(p.stem for p in Path(__file__).parent.glob("*.py") if p.stem != "__main__")


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] not in NAMES:
        print(f"usage: python -m bench NAME [OPTION ...]; NAME is one of: {', '.join(NAMES)}", file=sys.stderr)
        return 2
    sys.argv[1:] = arguments[1:]  # a benchmark reads its own options
    importlib.import_module(f"bench.{arguments[0]}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
