"""When a run is not fit for use, when a ramp is over, and how callgrind's profile is read."""

from benchmarks.goals import GOALS, table
from benchmarks.micro import instructions_by_module
from benchmarks.process import Usage
from benchmarks.result import Window, unfit
from benchmarks.step import Step
from benchmarks.workers import nearest_to_twice

PROFILE = """\
version: 1
events: Ir

ob=(1) /x/sfu/dataplane/engine.cpython-311-x86_64-linux-gnu.so
fl=(1) ???
fn=(1) __pyx_pw_receive
0 100
cob=(2) /x/pylibsrtp/_binding.abi3.so
cfn=(2) srtp_protect
calls=3 0
0 4000
+0 20

ob=(2)
fn=(2)
0 1300
* 2700
"""


def window(at_s: float, *, cpu_s: float, received: int, busy_s: float, clients_s: float = 0.0) -> Window:
    return Window(at_s, Usage(cpu_s, cpu_s, 0.0, 0, {}), received, clients_s, busy_s, 0.0, 2 * at_s)


def test_a_quiet_steady_run_is_fit() -> None:
    windows = [window(n, cpu_s=n / 10, received=1000 * n, busy_s=n / 5, clients_s=n / 10) for n in range(4)]
    assert unfit(windows, 0.0) == []


def test_what_speaks_against_a_run_is_said() -> None:
    unsteady = [
        window(n, cpu_s=cpu, received=1000 * n, busy_s=n / 5, clients_s=n / 10) for n, cpu in enumerate((0, 0.1, 0.3))
    ]
    assert "varied" in unfit(unsteady, 0.0)[0]
    full = [window(n, cpu_s=n, received=1000 * n, busy_s=2 * n, clients_s=n) for n in range(3)]
    assert "100% busy" in unfit(full, 0.0)[0]
    shared = [window(n, cpu_s=n / 10, received=1000 * n, busy_s=n, clients_s=n / 10) for n in range(3)]
    assert "other programs used 40%" in unfit(shared, 0.0)[0]
    assert "late" in unfit(full, 0.5)[-1]


def test_a_step_breaks_by_loss_lateness_a_full_machine_or_latency() -> None:
    fine = Step(1, 1e4, 0.5, 5.0, 0.0, 0.0, 0.5, 0.0, 100, 200, 300)
    assert fine.broke() == ""
    for change, word in (
        ({"lost_share": 0.01}, "lost"),
        ({"late_share": 0.5}, "late"),
        ({"machine_busy": 0.99}, "busy"),
        ({"p99_us": 300_000}, "300 ms"),
    ):
        values = {name: getattr(fine, name) for name in fine.__slots__} | change
        assert word in Step(**values).broke()


def test_two_workers_are_compared_with_one_that_has_half_of_their_load() -> None:
    def step(publishers: int) -> Step:
        return Step(publishers, 1e4 * publishers, 0.5, 5.0, 0.0, 0.0, 0.5, 0.0, 100, 200, 300)

    one, two = [step(n) for n in (1, 2, 4, 6, 9, 14)], [step(n) for n in (1, 2, 4, 6, 9, 13)]
    found = nearest_to_twice(one, two)
    assert found is not None
    assert (found[0].publishers, found[1].publishers) == (6, 13)
    assert nearest_to_twice([step(4)], [step(5)]) is None


def test_the_cost_of_what_is_called_is_counted_where_it_is_spent() -> None:
    assert instructions_by_module(PROFILE) == {"engine": 120, "libsrtp": 4000}


def test_a_missed_goal_says_by_how_much() -> None:
    goal = GOALS[0]
    row = {"name": goal.name, "text": goal.text, "figure": 1.5, "aim": 1.25, "at_most": True, "unit": "", "unfit": []}
    assert "MISSED, +20%" in table({"goals": [row | {"reached": goal.reached(1.5)}]})
    assert "reached" in table({"goals": [row | {"figure": 1.2, "reached": goal.reached(1.2)}]})
