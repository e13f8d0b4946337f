"""Names of models."""

from __future__ import annotations

import pytest

from delegator.ollama.names import is_remote, normalise


@pytest.mark.parametrize(
    ("name", "normal"),
    [
        ("mistral", "mistral:latest"),
        ("Mistral:7B", "mistral:7b"),
        (" qwen3:8b ", "qwen3:8b"),
        ("registry.local:5000/team/model", "registry.local:5000/team/model:latest"),
        ("hf.co/team/Model-GGUF:Q4_K_M", "hf.co/team/model-gguf:q4_k_m"),
    ],
)
def test_a_name_is_lower_case_and_has_its_tag(name: str, normal: str):
    assert normalise(name) == normal
    assert normalise(normal) == normal


@pytest.mark.parametrize(("name", "remote"), [("big:cloud", True), ("big:120b-cloud", True), ("cloud:7b", False)])
def test_cloud_tags_mean_a_model_that_runs_elsewhere(name: str, remote: bool):
    assert is_remote(name) is remote
