"""A host that speaks Ollama's HTTP interface on a real llama.cpp engine; it fakes nothing, but its models are tiny.

A program of its own (`python -m delegator.ollama.engine`): no other module of Delegator imports it, tests apart. As
Ollama does since 0.30 it runs one llama-server process per model in memory and asks that over HTTP; scheduler and
keep-alive are written after the same description as the simulator's, separately, so that the two check each other.
The docstrings' «item N» are those listed in `delegator/ollama/simulator/__init__.py`.

What it is for and where it ends: docs/decisions/engine-stand-in.md.
"""
