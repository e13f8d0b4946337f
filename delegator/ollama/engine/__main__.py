"""Run an Ollama host on real engines: `python -m delegator.ollama.engine --models DIR --tiny tiny,other`.

Prints one line of JSON when it listens: `{"url": ..., "pid": ..., "models": [...]}`. Ends on SIGTERM and SIGINT, and
takes its engines along however it ends.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from importlib.util import find_spec
from pathlib import Path

from delegator.ollama.dialect.durations import DurationInvalid, read_keep_alive


def read_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m delegator.ollama.engine",
        description="An Ollama host on llama.cpp, for tests: models are the GGUF files of a folder.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, default=11501, help="port; 0 takes a free one (default %(default)s)")
    parser.add_argument("--models", type=Path, required=True, metavar="DIR", help="folder of GGUF files")
    parser.add_argument("--tiny", default="", metavar="NAMES", help="write tiny models of these names into it first")
    parser.add_argument("--max-loaded", type=int, default=3, help="OLLAMA_MAX_LOADED_MODELS (default %(default)s)")
    parser.add_argument("--num-parallel", type=int, default=1, help="OLLAMA_NUM_PARALLEL (default %(default)s)")
    parser.add_argument("--keep-alive", default="5m", help="OLLAMA_KEEP_ALIVE (default %(default)s)")
    arguments = parser.parse_args(argv)
    if not arguments.models.is_dir():
        parser.error(f"--models: {arguments.models} is no folder")
    if missing := [name for name in ("xllamacpp", "gguf") if find_spec(name) is None]:
        parser.error(f"needs {' and '.join(missing)}: pip install 'delegator[engine]'")
    try:
        arguments.keep_alive = read_keep_alive(arguments.keep_alive)
    except DurationInvalid as exc:
        parser.error(f"--keep-alive: {exc}")
    return arguments


async def serve(arguments: argparse.Namespace) -> None:
    """Serve until a signal comes."""
    from delegator.ollama.engine.library import Library
    from delegator.ollama.engine.scheduler import Limits
    from delegator.ollama.engine.server import EngineHost

    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    limits = Limits(
        max_loaded=arguments.max_loaded, num_parallel=arguments.num_parallel, keep_alive_s=arguments.keep_alive
    )
    library = Library(arguments.models)
    async with EngineHost(library, limits=limits, address=arguments.host, port=arguments.port) as host:
        models = [model.name for model in library.all()]
        print(json.dumps({"url": host.url, "pid": os.getpid(), "models": models}), flush=True)
        await ended.wait()


def main() -> int:
    arguments = read_arguments()
    from delegator.ollama.engine.tiny_model import write_tiny_model

    try:
        for name in filter(None, (name.strip() for name in arguments.tiny.split(","))):
            write_tiny_model(arguments.models / f"{name}.gguf")
        asyncio.run(serve(arguments))
    except OSError as exc:
        print(f"The engine host did not start: {exc}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
