"""Pictures of what was found. matplotlib draws them: scales, ticks and labels that a reader trusts are not worth writing again.

It is an extra of the package (`pip install 'ciranda[bench]'`), and is loaded only when a picture is asked for.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def ramp_figure(found: dict[str, Any]) -> "Figure":
    """Packets a second against CPU, and latency percentiles against packets a second; the step that broke is marked."""
    from matplotlib.figure import Figure

    steps = found["steps"]
    rates = [step["packets_per_second"] / 1000 for step in steps]
    figure = Figure(figsize=(11, 4.5), layout="constrained")
    cpu, latency = figure.subplots(1, 2)
    cpu.plot([100 * (step["cpu_share"] or 0.0) for step in steps], rates, "o-", label="server")
    cpu.plot([100 * step["machine_busy"] for step in steps], rates, "s:", color="gray", label="whole machine")
    cpu.set(xlabel="CPU: % of a core (server), % of all cores (machine)", ylabel="forwarded, 1,000 packets a second")
    for name, key in (("p50", "p50_us"), ("p99", "p99_us"), ("p99.9", "p99_9_us")):
        latency.plot(rates, [step[key] for step in steps], "o-", label=name)
    latency.set(xlabel="forwarded, 1,000 packets a second", ylabel="latency added, µs", yscale="log")
    if found["broke"]:
        for axes in (cpu, latency):
            axes.axhline(rates[-1], color="red", lw=0.8) if axes is cpu else axes.axvline(
                rates[-1], color="red", lw=0.8
            )
        latency.set_title(f"red: {found['broke']}", fontsize=9)
    cpu.set_title(found["load"], fontsize=9, wrap=True)
    for axes in (cpu, latency):
        axes.grid(alpha=0.3)
        axes.legend()
    return figure


def load_figure(found: dict[str, Any]) -> "Figure":
    """CPU and packets a second through the run, and how many packets took how long."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.5), layout="constrained")
    cpu, latency = figure.subplots(1, 2)
    samples = found["samples"]
    cpu.plot([s["at_s"] for s in samples], [s["packets_per_second"] / 1000 for s in samples], "o-", label="packets")
    cpu.set(xlabel="seconds", ylabel="forwarded, 1,000 packets a second", ylim=(0, None))
    if found["server"] is not None:
        right = cpu.twinx()
        right.plot([s["at_s"] for s in samples], [100 * s["cpu_share"] for s in samples], "s:", color="C1")
        right.set(ylabel="server's CPU, % of a core (dotted)", ylim=(0, None))
    shares = found["latency_curve"]
    latency.plot([1 - share for share, _ in shares], [us for _, us in shares])
    latency.set(
        xlabel="share of packets that took longer",
        ylabel="latency added, µs",
        xscale="log",
        yscale="log",
        xlim=(1, 1e-4),
    )
    cpu.set_title(found["load"]["text"], fontsize=9, wrap=True)
    latency.grid(alpha=0.3, which="both")
    cpu.grid(alpha=0.3)
    return figure
