"""Reads deploy/grafana: which metrics and labels its expressions use."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent.parent.parent / "deploy" / "grafana"

GIVEN = {"instance", "le"}
"""Labels that Prometheus adds."""

_SELECTOR = re.compile(r"\b(ray_delegator_[a-z_]+)(?:\{([^}]*)\})?")
_LABEL = re.compile(r"([a-z_]+)\s*(?:=~|!~|!=|=)")
_BY = re.compile(r"\bby \(([a-z_, ]+)\)")


def dashboard() -> dict[str, Any]:
    read: dict[str, Any] = json.loads((FOLDER / "delegator.json").read_text("utf-8"))
    return read


def panels() -> Iterator[dict[str, Any]]:
    """Yield the panels that show something, those of closed rows too."""
    for panel in dashboard()["panels"]:
        yield from (panel, *panel.get("panels", ())) if panel["type"] != "row" else panel["panels"]


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((FOLDER / "alerts.yaml").read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def expressions() -> list[str]:
    """Return every expression of the dashboard and the rules."""
    shown = [target["expr"] for panel in panels() for target in panel["targets"]]
    variables = [variable["definition"] for variable in dashboard()["templating"]["list"] if "definition" in variable]
    return [*shown, *variables, *(rule["expr"] for rule in rules())]


def used_in(expression: str) -> dict[str, set[str]]:
    """Return the metrics of an expression, each with the labels it is chosen and grouped by, but for `GIVEN`."""
    asked = set(re.findall(r"^label_values\(.*, ([a-z_]+)\)$", expression))
    return {
        found[1]: {*_LABEL.findall(found[2] or ""), *_grouped(expression[: found.start()]), *asked} - GIVEN
        for found in _SELECTOR.finditer(expression)
    }


def _grouped(before: str) -> set[str]:
    """Return the labels that a metric is grouped by, from what stands before it."""
    groups = _BY.findall(before)
    return {label.strip() for label in groups[-1].split(",")} if groups else set()
