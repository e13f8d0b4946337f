"""Run the benchmarks: `python -m bench [name]`; without a name the list of them."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

NAMES = sorted(p.stem for p in Path(__file__).parent.glob("*.py") if p.stem != "__main__")


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in NAMES:
        print(f"usage: python -m bench NAME; NAME is one of: {', '.join(NAMES)}", file=sys.stderr)
        return 2
    importlib.import_module(f"bench.{arguments[0]}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
