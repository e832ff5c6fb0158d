"""The dashboard and the alert rules ask only for metrics that exist, with labels that exist."""

import json
import re
from pathlib import Path

import metrics
from sfu.dataplane import Engine
from tests.integration.test_metrics import PROMISED

FOLDER = Path(metrics.__file__).parent
SUFFIX = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "gauge": ("",)}
NAMES = {name + suffix for name, kind in PROMISED.items() for suffix in SUFFIX[kind]}


def test_the_dashboard() -> None:
    dashboard = json.loads((FOLDER / "grafana-dashboard.json").read_text())
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    asked = {name for expression in expressions for name in re.findall(r"\bciranda_\w+", expression)}
    assert asked <= NAMES
    # Everything that is promised is on it.
    assert {re.sub(r"_(total|bucket)$", "", name) for name in asked} == set(PROMISED)
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def test_the_alerts() -> None:
    rules = (FOLDER / "alerts.yml").read_text()
    expressions = re.findall(r"^ +expr: (.*)$", rules, re.MULTILINE)
    assert len(expressions) == rules.count("- alert: ") >= 5
    assert {name for expression in expressions for name in re.findall(r"\bciranda_\w+", expression)} <= NAMES
    reasons = re.findall(r'reason="(\w+)"', rules)
    assert set(reasons) <= set(Engine().counters().dropped)
    for expression in expressions:
        assert expression.count("(") == expression.count(")")
