"""The cluster launcher file is one that Ray takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml


def test_ray_accepts_the_cluster_file() -> None:
    from ray.autoscaler._private.util import prepare_config, validate_config

    written: dict[str, Any] = yaml.safe_load((Path(__file__).parent.parent / "cluster.yaml").read_text("utf-8"))

    prepared = prepare_config(written)
    validate_config(prepared)

    assert prepared["max_workers"] == 1
    assert prepared["provider"]["type"] == "local"
    assert "ray start" in " ".join(written["head_start_ray_commands"])
