"""The dashboard and the rules fit the metrics there are, and the rules say what our own alerts say.

That the metrics really come out of a running system by these names is tested in tests/actors/test_system.py.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import Any, get_args

import pytest
import yaml

from actors.metrics import METRICS, exposed_names
from delegator.schemas import AlertRule
from delegator.settings import GB, AlertSettings, Settings
from tests.deploy.grafana_files import FOLDER, dashboard, expressions, panels, rules, used_in

KNOWN = {name: set(metric.labels) for metric in METRICS.values() for name in exposed_names(metric)}


@pytest.mark.parametrize("expression", expressions())
def test_an_expression_uses_metrics_and_labels_that_there_are(expression: str) -> None:
    used = used_in(expression)

    assert used
    assert set(used) <= set(KNOWN)
    for name, labels in used.items():
        assert labels <= KNOWN[name], name


def test_every_metric_is_shown() -> None:
    shown = {name for expression in expressions() for name in used_in(expression)}
    # the scale is read off when in doubt, and says nothing over time
    unseen = {metric.name for metric in METRICS.values() if shown.isdisjoint(exposed_names(metric))}

    assert unseen == {"delegator_model_seconds_per_second"}


def test_a_legend_names_labels_that_its_expression_keeps() -> None:
    for panel in panels():
        for target in panel["targets"]:
            kept = set(re.findall(r"[a-z_]+", " ".join(re.findall(r"\bby \(([^)]*)\)", target["expr"]))))
            assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) <= kept, panel["title"]


def test_the_dashboard_can_be_imported() -> None:
    board = dashboard()
    ids = [panel["id"] for panel in board["panels"]]

    assert [panel["title"] for panel in board["panels"] if panel["type"] == "row"] == [
        "Now", "Memory", "Sessions", "Turns", "Errors",
    ]  # fmt: skip
    assert len(ids) == len(set(ids))
    assert {variable["name"] for variable in board["templating"]["list"]} == {"datasource", "instance", "endpoint"}
    for panel in panels():
        assert panel["description"]
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24


def test_no_two_panels_lie_on_one_another() -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in dashboard()["panels"]:
        place = panel["gridPos"]
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert taken.setdefault((x, y), panel["title"]) == panel["title"]


def _of(rule: str) -> dict[str, Any]:
    return next(found for found in rules() if found["labels"].get("rule") == rule)


def test_there_is_a_rule_for_each_of_our_own() -> None:
    assert [rule["labels"]["rule"] for rule in rules() if "rule" in rule["labels"]] == list(get_args(AlertRule))


@pytest.mark.parametrize(
    ("rule", "limit"),
    [
        ("memory", AlertSettings().memory_share),
        ("queue_wait", AlertSettings().queue_wait_s),
        ("suspect_host", 1),
        ("crash_loop", AlertSettings().crash_loop),
        ("drift", AlertSettings().drift_s),
        ("disk", AlertSettings().disk_free_gb * GB),
    ],
)
def test_a_rule_has_the_limit_and_the_patience_of_our_own(rule: str, limit: float) -> None:
    defaults, found = AlertSettings(), _of(rule)

    assert float(found["expr"].split()[-1]) == limit
    assert found["for"] == f"{defaults.raise_after_s:g}s"
    assert found["keep_firing_for"] == f"{defaults.clear_after_s:g}s"


def test_restarts_are_counted_over_the_seconds_of_our_own_rule() -> None:
    assert f"[{AlertSettings().crash_loop_s:g}s]" in _of("crash_loop")["expr"]


def test_the_example_asks_where_delegator_answers_and_keeps_its_metrics() -> None:
    config = yaml.safe_load((FOLDER / "prometheus.yaml").read_text("utf-8"))
    (job,) = config["scrape_configs"]

    assert job["static_configs"] == [{"targets": [f"127.0.0.1:{Settings.model_fields['metrics_port'].default}"]}]
    assert config["rule_files"] == ["alerts.yaml"]
    (keep,) = [step for step in job["metric_relabel_configs"] if step["action"] == "keep"]
    assert all(re.fullmatch(keep["regex"], name) for name in KNOWN)


@pytest.mark.parametrize("check", ["rules alerts.yaml", "config prometheus.yaml"])
def test_promtool_takes_the_files(check: str) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("promtool is not on PATH")
    done = subprocess.run([promtool, "check", *check.split()], cwd=FOLDER, capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_metric_is_described() -> None:
    page = (FOLDER.parent.parent / "docs" / "monitor.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `(delegator_\w+)` \| (.*) \|$", page, re.MULTILINE))

    assert rows == {
        metric.name: " | ".join(
            (metric.kind.value, ", ".join(f"`{label}`" for label in metric.labels), metric.help.removesuffix("."))
        )
        for metric in METRICS.values()
    }
