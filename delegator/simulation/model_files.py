"""How large the files of models are: published where known, else estimated from what the loaded model takes.

A catalogue says what a model takes in memory; what is read from disk is less, by its cache and its runner.
"""

from __future__ import annotations

from delegator.residency.estimate import RUNNER_BYTES, UNKNOWN_SHAPE_RATIO
from delegator.settings import GB

FILE_GB = {
    "qwen2.5:14b": 8.99,
    "deepseek-coder:33b": 18.8,
    "llama3.1:8b": 4.92,
    "mistral:7b": 4.37,
    "llama3.2-vision:11b": 7.82,
    "qwen3-vl:8b": 6.14,
    "deepseek-coder:6.7b": 3.83,
    "codellama:13b": 7.37,
    "qwen3:8b": 5.23,
    "llama3.2:3b": 2.02,
    "qwen2.5-coder:7b": 4.68,
    "qwen2.5-coder:14b": 8.99,
    "qwen3-coder:30b": 18.56,
    "gpt-oss:20b": 13.79,
    "qwen3.5:9b": 6.59,
}
"""{model: GB of its file as it is published}."""


def is_published(model: str) -> bool:
    """Return whether the size of the model's file is known."""
    return model in FILE_GB


def file_bytes(model: str, memory_bytes: int) -> int:
    """Return the size of a model's file; an estimate from the memory it takes where it is not known."""
    if model in FILE_GB:
        return round(FILE_GB[model] * GB)
    return max(round(memory_bytes * 0.1), round((memory_bytes - RUNNER_BYTES) / UNKNOWN_SHAPE_RATIO))
