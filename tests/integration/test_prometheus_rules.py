"""Each alert fires on the fault that it is for, after the time that it waits, says so in words, and is silent otherwise.

Prometheus' own `promtool` evaluates the rules over synthetic series, minutes in an instant.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.harness.prometheus import RULES, promtool

LAST_MINUTE = 20
INTERVALS = 4 * LAST_MINUTE
INTERVAL = "15s"
ONE = 'instance="a:8080"'


@dataclass(frozen=True)
class Case:
    """Series: notation of promtool, a value every 15 s."""

    alert: str
    sick: dict[str, str]
    well: dict[str, str]
    """As bad as it may be."""
    waits_m: int
    """Fires some time after the fault has lasted this long."""
    summary: str
    labels: tuple[tuple[str, str], ...] = ()
    severity: str = "warning"
    description: str | None = None


def _steady(value: float) -> str:
    return f"{value}x{INTERVALS}"


def _rising(by: int) -> str:
    return f"0+{by}x{INTERVALS}"


def _buckets(name: str, fast_le: str, slow_le: str, *, fast: int, slow: int, stage: str = "") -> dict[str, str]:
    """A histogram that so many fast and slow observations are added to every interval."""
    return {
        f'{name}_bucket{{{ONE}{stage},le="{fast_le}"}}': _rising(fast),
        f'{name}_bucket{{{ONE}{stage},le="{slow_le}"}}': _rising(fast + slow),
        f'{name}_bucket{{{ONE}{stage},le="+Inf"}}': _rising(fast + slow),
    }


FORWARD, JOIN, TOTAL = "ciranda_forward_latency_seconds", "ciranda_join_seconds", ',stage="total"'
SEND_FULL = 'reason="send_full"'
CASES = [
    Case(
        "CirandaDown",
        sick={f'up{{job="ciranda",{ONE}}}': _steady(0), f'up{{job="ciranda",{ONE.replace("a:", "b:")}}}': _steady(1)},
        well={f'up{{job="ciranda",{ONE}}}': _steady(1), f'up{{job="another",{ONE}}}': _steady(0)},
        waits_m=1,
        labels=(("job", "ciranda"),),
        severity="critical",
        summary="a:8080 cannot be scraped",
    ),
    Case(
        "CirandaWorkerSaturated",
        sick={f'ciranda_worker_busy_ratio{{{ONE},worker="1"}}': _steady(0.9)},
        well={f'ciranda_worker_busy_ratio{{{ONE},worker="1"}}': _steady(0.85)},
        waits_m=2,
        labels=(("worker", "1"),),
        summary="media worker 1 of a:8080 is at 90%",
        description="Give it more workers, or move rooms to another machine.",
    ),
    Case(
        "CirandaForwardingSlow",
        sick=_buckets(FORWARD, "0.01", "0.03", fast=980, slow=20),
        well=_buckets(FORWARD, "0.01", "0.03", fast=995, slow=5),
        waits_m=5,
        summary="1 % of the packets stay longer than 20ms in a:8080",
    ),
    Case(
        "CirandaEventLoopLags",
        sick={f"ciranda_event_loop_lag_seconds{{{ONE}}}": _steady(0.75)},
        well={f"ciranda_event_loop_lag_seconds{{{ONE}}}": _steady(0.5)},
        waits_m=1,
        summary="the event loop of a:8080 was 750ms late",
    ),
    Case(
        "CirandaJoinsSlow",
        sick=_buckets(JOIN, "2.5", "5.0", fast=9, slow=1, stage=TOTAL),
        well=_buckets(JOIN, "2.5", "5.0", fast=99, slow=1, stage=TOTAL)
        | _buckets(JOIN, "2.5", "5.0", fast=1, slow=9, stage=',stage="ice"'),
        waits_m=5,
        summary="5 % of those who join a:8080 wait longer than 3.75s",
        description="Often a firewall on the way to the UDP port: look at stage ice.",
    ),
    Case(
        "CirandaReceiversLose",
        sick={f'ciranda_packet_loss_ratio{{{ONE},quantile="0.5"}}': _steady(0.08)},
        well={
            f'ciranda_packet_loss_ratio{{{ONE},quantile="0.5"}}': _steady(0.05),
            f'ciranda_packet_loss_ratio{{{ONE},quantile="0.95"}}': _steady(0.4),
        },
        waits_m=2,
        labels=(("quantile", "0.5"),),
        severity="critical",
        summary="half of the receivers of a:8080 lose more than 8%",
    ),
    Case(
        "CirandaSendBufferFull",
        sick={f"ciranda_packets_dropped_total{{{ONE},{SEND_FULL}}}": _rising(30)},
        well={
            f"ciranda_packets_dropped_total{{{ONE},{SEND_FULL}}}": _rising(15),
            f'ciranda_packets_dropped_total{{{ONE},reason="srtp_auth"}}': _rising(9_000),
        },
        waits_m=1,
        labels=(("reason", "send_full"),),
        summary="the kernel does not take packets of a:8080 fast enough",
        description="Raise net.core.wmem_max; see the documentation on deploying.",
    ),
]


async def test_prometheus_takes_the_rules() -> None:
    code, output = await promtool("check", "rules", RULES)
    assert code == 0, output
    assert f"SUCCESS: {len(CASES)} rules found" in output


def test_every_alert_has_a_case() -> None:
    named = [line.split()[-1] for line in RULES.read_text().splitlines() if "- alert: " in line]
    assert [case.alert for case in CASES] == named


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.alert)
async def test_an_alert_fires_on_its_fault_alone(case: Case, tmp_path: Path) -> None:
    firing = {
        "exp_labels": {"severity": case.severity, "instance": "a:8080", **dict(case.labels)},
        "exp_annotations": {"summary": case.summary} | ({"description": case.description} if case.description else {}),
    }
    expected = [(case.waits_m - 1, []), (LAST_MINUTE, [firing])]
    tests = [_test(case.sick, case.alert, expected)]
    for other in CASES:
        # Neither when all is just well, nor on somebody else's fault.
        series = case.well if other is case else other.sick
        tests.append(_test(series, case.alert, [(LAST_MINUTE, [])]))
    file = tmp_path / "tests.yml"
    file.write_text(json.dumps({"rule_files": [str(RULES)], "evaluation_interval": INTERVAL, "tests": tests}))
    code, output = await promtool("test", "rules", file)
    assert code == 0, output


def _test(series: dict[str, str], alert: str, expected: Sequence[tuple[int, Sequence[object]]]) -> dict[str, object]:
    return {
        "interval": INTERVAL,
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": [
            {"eval_time": f"{minute}m", "alertname": alert, "exp_alerts": alerts} for minute, alerts in expected
        ],
    }
