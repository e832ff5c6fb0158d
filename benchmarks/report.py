"""The table of one load run."""

from typing import Any


def table(found: dict[str, Any]) -> str:
    """The result for people."""
    load, packets, server = found["load"], found["packets"], found["server"]
    feedback, latency, joins = found["publisher_feedback"], found["latency_us"], found["joins"]
    feedback_sent = "" if load["feedback"] else ", NO FEEDBACK"
    pattern = f"frames of {load['packets_per_frame']} at once" if load["burst"] else "evenly spaced"
    rows = [
        (
            "load",
            f"{load['publishers']} x {load['receivers']} receivers, {load['packets_per_second']} packets/s of "
            f"{load['packet_size']} bytes, {pattern}, {load['seconds']:.1f} s, {', '.join(load['profiles'])}{feedback_sent}",
        ),
        ("forwarded", f"{packets['forwarded']:,} packets, {packets['forwarded_per_second']:,.0f} a second"),
        (
            "lost",
            f"{packets['lost']:,} (at {packets['receivers_with_loss']} receivers); reordered {packets['reordered']:,}, "
            f"duplicates {packets['duplicates']:,}, asked again {packets['nacked']:,}, sent again {packets['retransmissions']:,}",
        ),
        (
            "decrypted",
            f"{packets['checked']:,}; wrong {packets['corrupt']:,}, not authentic {packets['auth_failures']:,}, "
            f"foreign {packets['foreign']:,}",
        ),
        (
            "CPU a packet",
            f"{server['us_per_packet']:.2f} µs (user {server['user_us_per_packet']:.2f}, "
            f"system {server['system_us_per_packet']:.2f}); {server['cpu_share']:.1%} of a core",
        ),
        ("  samples", " ".join(f"{s:.2f}" for s in server["samples_us_per_packet"]) + " µs"),
        ("  threads", ", ".join(f"{n} {us:.2f} µs" for n, us in server["thread_us_per_packet"].items())),
        (
            "latency added",
            f"p50 {latency['p50']:,} µs, p99 {latency['p99']:,} µs, p99.9 {latency['p99_9']:,} µs, "
            f"max {latency['max']:,} µs",
        ),
        ("memory", f"{server['rss_bytes'] / 2**20:.1f} MiB, {server['rss_bytes_per_client'] / 1000:.0f} kB a client"),
        (
            "joins",
            f"{joins['per_second']:.0f} a second, median {joins['median_ms']:.1f} ms, slowest {joins['slowest_ms']:.1f} ms",
        ),
        ("publisher", ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in feedback.items())),
    ]
    if floor := found.get("floor"):
        rows += [
            (
                "floor",
                f"protect {floor['protect_us']:.2f} µs; + sendmmsg {floor['sendmmsg_us']:.2f} µs (paced {floor['paced_us']:.2f}); "
                f"+ UDP_SEGMENT x 8 {floor['segment_us']:.2f} µs",
            ),
            (
                "ratio",
                f"{found['ratio_to_floor']:.2f} to sendmmsg, {found['ratio_to_paced_floor']:.2f} to paced sendmmsg",
            ),
        ]
    rows.append(("fit for use", "yes" if not found["unfit"] else "NO: " + "; ".join(found["unfit"])))
    return "\n".join(f"{name:<15}{text}" for name, text in rows)
