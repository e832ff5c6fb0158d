"""The table of one load run."""

from collections.abc import Sequence
from typing import Any


def lines(rows: Sequence[tuple[str, str]]) -> str:
    """Names in one column, texts in the other."""
    return "\n".join(f"{name:<15}{text}" for name, text in rows)


def fit(unfit: Sequence[str]) -> tuple[str, str]:
    """The last row of every table."""
    return "fit for use", "yes" if not unfit else "NO: " + "; ".join(unfit)


def latency_text(latency: dict[str, float]) -> str:
    return f"p50 {latency['p50']:,} µs, p99 {latency['p99']:,} µs, p99.9 {latency['p99_9']:,} µs, max {latency['max']:,} µs"


def table(found: dict[str, Any]) -> str:
    """The result for people."""
    load, packets, joins = found["load"], found["packets"], found["joins"]
    rows = [
        ("load", f"{load['text']}, {load['seconds']:.1f} s, {', '.join(load['profiles'])}"),
        ("forwarded", f"{packets['forwarded']:,} packets, {packets['forwarded_per_second']:,.0f} a second"),
        (
            "lost",
            f"{packets['lost']:,} (at {packets['receivers_with_loss']} receivers, {packets['silent_receivers']} lack a stream); "
            f"reordered {packets['reordered']:,}, duplicates {packets['duplicates']:,}, "
            f"asked again {packets['nacked']:,}, sent again {packets['retransmissions']:,}",
        ),
        (
            "decrypted",
            f"{packets['checked']:,}; wrong {packets['corrupt']:,}, not authentic {packets['auth_failures']:,}, "
            f"foreign {packets['foreign']:,}",
        ),
        *_server_rows(found["server"]),
        ("latency added", latency_text(found["latency_us"])),
        (
            "joins",
            f"{joins['per_second']:.0f} a second, median {joins['median_ms']:.1f} ms, slowest {joins['slowest_ms']:.1f} ms",
        ),
        ("publisher", ", ".join(f"{n.replace('_', ' ')} {c}" for n, c in found["publisher_feedback"].items())),
        *_floor_rows(found),
        fit(found["unfit"]),
    ]
    return lines(rows)


def _server_rows(server: dict[str, Any] | None) -> list[tuple[str, str]]:
    if server is None:
        return [("CPU a packet", "unknown: --server-pid names a process of this machine")]
    return [
        (
            "CPU a packet",
            f"{server['us_per_packet']:.2f} µs (user {server['user_us_per_packet']:.2f}, "
            f"system {server['system_us_per_packet']:.2f}); {server['cpu_share']:.1%} of a core",
        ),
        ("  samples", " ".join(f"{s:.2f}" for s in server["samples_us_per_packet"]) + " µs"),
        ("  threads", ", ".join(f"{n} {us:.2f} µs" for n, us in server["thread_us_per_packet"].items())),
        ("memory", f"{server['rss_bytes'] / 2**20:.1f} MiB, {server['rss_bytes_per_client'] / 1000:.0f} kB a client"),
    ]


def floor_text(floor: dict[str, Any]) -> str:
    return (
        f"{floor['packet_size']} bytes to {floor['receivers']}: protect {floor['protect_us']:.2f} µs; "
        f"+ sendmmsg {floor['sendmmsg_us']:.2f} µs (paced {floor['paced_us']:.2f}); + UDP_SEGMENT x 8 {floor['segment_us']:.2f} µs"
    )


def _floor_rows(found: dict[str, Any]) -> list[tuple[str, str]]:
    if "floor" not in found:
        return []
    rows = [("floor", floor_text(found["floor"]))]
    if "ratio_to_floor" in found:
        ratios = f"{found['ratio_to_floor']:.2f} to sendmmsg, {found['ratio_to_paced_floor']:.2f} to paced sendmmsg"
        rows.append(("ratio", ratios))
    return rows
