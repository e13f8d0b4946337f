"""The program that holds one model: llama.cpp's own server on a free port. Started by `process.py`, as a file.

Prints one line of JSON once the model is in memory, `{"url": ..., "size_bytes": ...}`, or leaves with an error. It ends
when its standard input ends: with the process that started it, however that goes.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

import psutil


def main() -> None:
    """Load, tell, and serve until nobody wants it any more."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--num-ctx", type=int, required=True)
    parser.add_argument("--parallel", type=int, required=True)
    parser.add_argument("--num-thread", type=int, required=True)
    parser.add_argument("--embeds", action="store_true")
    arguments = parser.parse_args()
    import xllamacpp

    this = psutil.Process()
    before = this.memory_info().rss
    server = xllamacpp.Server(parameters(xllamacpp, arguments))  # returns when the model is loaded; raises if it is not
    size = this.memory_info().rss - before
    sys.stdout.write(json.dumps({"url": server.listening_address, "size_bytes": size}) + "\n")
    sys.stdout.flush()
    sys.stdin.read()
    os._exit(0)  # nothing here needs an orderly end, and the engine's threads would want one


def parameters(xllamacpp: Any, arguments: argparse.Namespace) -> Any:
    """Return llama.cpp's parameters: small, quiet, on the CPU, and with exactly the memory that was asked for."""
    chosen = xllamacpp.CommonParams()
    chosen.model.path = str(arguments.model)
    chosen.n_ctx = arguments.num_ctx * arguments.parallel
    chosen.n_parallel = arguments.parallel
    chosen.n_gpu_layers = 0
    chosen.fit_params = False  # it would choose a window of its own
    chosen.load_mode = xllamacpp.llama_load_mode.LLAMA_LOAD_MODE_NONE  # a mapped file would not count as memory
    chosen.cache_ram_mib = 0
    chosen.warmup = False
    chosen.cpuparams.n_threads = chosen.cpuparams_batch.n_threads = arguments.num_thread
    chosen.port = 0
    chosen.n_threads_http = 4
    chosen.ui = False
    chosen.use_jinja = True
    chosen.verbosity = 1  # errors only
    if arguments.embeds:
        chosen.embedding = True
        chosen.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
        chosen.n_batch = chosen.n_ubatch = arguments.num_ctx  # a text is read in one piece
    return chosen


if __name__ == "__main__":
    main()
