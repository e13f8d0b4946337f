"""Run a simulated Ollama host: `python -m delegator.ollama.simulator --port 11500 --profile laptop24`.

Prints one line of JSON when it listens: `{"url": ..., "pid": ..., "simulated": true, "scale": ..., "profile": ...}`.
Ends on SIGTERM and SIGINT, and with the process of `--exit-with-pid`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import psutil

from delegator.ollama.dialect.durations import DurationInvalid, read_keep_alive
from delegator.ollama.simulator.models import ModelSpec, find, stand_in
from delegator.ollama.simulator.profiles import PROFILES, HostProfile
from delegator.ollama.simulator.server import SimulatedHost
from delegator.ollama.simulator.text.plain import echo, lorem
from delegator.ollama.simulator.text.team import team

SOURCES = {"team": team, "echo": echo, "lorem": lorem}
WATCH_S = 0.5
"""Real seconds between two looks for the process of `--exit-with-pid`."""


def read_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m delegator.ollama.simulator",
        description="An Ollama host that fakes only time, memory and text. What it says is labelled as simulated.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, default=11500, help="port; 0 takes a free one (default %(default)s)")
    parser.add_argument("--scale", type=float, default=10.0, help="times faster than life (default %(default)s)")
    parser.add_argument("--profile", choices=PROFILES, default="laptop64", help="the machine (default %(default)s)")
    parser.add_argument(
        "--ram-gb", type=float, help="its memory, in place of the profile's; swap and system come on top"
    )
    parser.add_argument("--source", choices=SOURCES, default="team", help="what models say (default %(default)s)")
    parser.add_argument("--models", help="names on disk, separated by commas (default: all the simulator knows)")
    parser.add_argument(
        "--also", action="append", default=[], metavar="NAME=GB@CTX", type=read_stand_in,
        help="a further model on disk, which takes GB loaded with a window of CTX; known ones stay as they are",
    )  # fmt: skip
    parser.add_argument("--max-loaded", type=int, help="OLLAMA_MAX_LOADED_MODELS (default: 3, or 3 per GPU)")
    parser.add_argument("--num-parallel", type=int, default=1, help="OLLAMA_NUM_PARALLEL (default %(default)s)")
    parser.add_argument("--keep-alive", default="5m", help="OLLAMA_KEEP_ALIVE (default %(default)s)")
    parser.add_argument("--exit-with-pid", type=int, metavar="PID", help="end when this process has ended")
    parser.add_argument(
        "--port-file", type=Path, metavar="FILE", help="write the line of JSON here too, when listening"
    )
    arguments = parser.parse_args(argv)
    if arguments.scale <= 0:
        parser.error("--scale must be above 0")
    if arguments.ram_gb is not None and arguments.ram_gb <= 0:
        parser.error("--ram-gb must be above 0")
    try:
        arguments.keep_alive = read_keep_alive(arguments.keep_alive)
    except DurationInvalid as exc:
        parser.error(f"--keep-alive: {exc}")
    return arguments


def read_stand_in(text: str) -> ModelSpec:
    """Read `phi3:mini=3.2@8192` as a model."""
    name, _, rest = text.rpartition("=")
    loaded_gb, _, num_ctx = rest.partition("@")
    try:
        if name:
            return find(name) or stand_in(name, loaded_gb=float(loaded_gb), num_ctx=int(num_ctx))
        raise argparse.ArgumentTypeError(f"'{text}' names no model")
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME=GB@CTX, as in phi3:mini=3.2@8192") from None


def profile_of(arguments: argparse.Namespace) -> HostProfile:
    """Return the machine that the arguments describe."""
    profile = PROFILES[arguments.profile]
    return profile.but(
        ram_gb=profile.ram_gb if arguments.ram_gb is None else arguments.ram_gb + profile.base_used_gb,
        max_loaded=arguments.max_loaded,
        num_parallel=arguments.num_parallel,
        keep_alive_s=arguments.keep_alive,
        also=tuple(arguments.also),
        installed=tuple(name.strip() for name in arguments.models.split(",")) if arguments.models else None,
    )


async def serve(arguments: argparse.Namespace) -> None:
    """Serve until a signal comes or the watched process has gone."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    simulated = SimulatedHost(
        profile_of(arguments),
        scale=arguments.scale,
        source=SOURCES[arguments.source],
        address=arguments.host,
        port=arguments.port,
    )
    async with simulated:
        _announce(arguments, simulated.url)
        if arguments.exit_with_pid is not None:
            watch = asyncio.create_task(_end_with(arguments.exit_with_pid, ended))
            await ended.wait()
            watch.cancel()
        else:
            await ended.wait()
    if arguments.port_file is not None:
        arguments.port_file.unlink(missing_ok=True)


def _announce(arguments: argparse.Namespace, url: str) -> None:
    line = json.dumps(
        {"url": url, "pid": os.getpid(), "simulated": True, "scale": arguments.scale, "profile": arguments.profile}
    )
    if arguments.port_file is not None:
        part = arguments.port_file.with_name(f"{arguments.port_file.name}.part")
        part.write_text(line + "\n", encoding="utf-8")
        part.replace(arguments.port_file)
    with suppress(BrokenPipeError):
        print(line, flush=True)


async def _end_with(pid: int, ended: asyncio.Event) -> None:
    """Set `ended` when the process has gone; a zombie, which nobody has collected yet, has."""
    try:
        process = psutil.Process(pid)
        # Polling, because nothing tells of the end of a process that is not our child
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:  # noqa: ASYNC110
            await asyncio.sleep(WATCH_S)
    except psutil.NoSuchProcess:
        pass
    ended.set()


def main() -> int:
    arguments = read_arguments()
    try:
        asyncio.run(serve(arguments))
    except (OSError, ValueError) as exc:
        print(f"The simulator did not start: {exc}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
