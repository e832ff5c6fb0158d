"""`/metrics`: the promised names, values that follow what happens, and labels that do not grow with people."""

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.harness.stats import eventually
from tests.harness.wrtc_client import WrtcHttpClient
from tests.integration.doors import Doors, doors
from tests.integration.offers import PUBLISH, WATCH

PROMISED = {
    "ciranda_rooms": "gauge",
    "ciranda_participants": "gauge",
    "ciranda_waiting": "gauge",
    "ciranda_file_bytes": "gauge",
    "ciranda_moderation": "counter",
    "ciranda_tracks": "gauge",
    "ciranda_packets": "counter",
    "ciranda_bytes": "counter",
    "ciranda_packets_dropped": "counter",
    "ciranda_nacks": "counter",
    "ciranda_retransmissions": "counter",
    "ciranda_keyframe_requests": "counter",
    "ciranda_forward_latency_seconds": "histogram",
    "ciranda_join_seconds": "histogram",
    "ciranda_worker_busy_ratio": "gauge",
    "ciranda_event_loop_lag_seconds": "gauge",
    "ciranda_rtt_seconds": "gauge",
    "ciranda_packet_loss_ratio": "gauge",
    "ciranda_downlink_estimate_bits_per_second": "gauge",
    "ciranda_layer_switches": "counter",
    "ciranda_takeovers": "counter",
    "ciranda_takeover_gap_seconds": "histogram",
    "ciranda_direct_rooms": "gauge",
    "ciranda_direct_attempts": "counter",
    "ciranda_direct_messages_refused": "counter",
    "ciranda_tcp_connections": "gauge",
    "ciranda_tcp_closed": "counter",
    "ciranda_paths": "gauge",
    "ciranda_http_connections": "gauge",
    "ciranda_http_connections_closed": "counter",
    "ciranda_sockets_closed": "counter",
    "ciranda_refused": "counter",
    "ciranda_texts_refused": "counter",
}
"""Name (of counters without `_total`) → type."""

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


async def scrape(house: Doors) -> Samples:
    """(name, sorted labels) → value."""
    families = text_string_to_metric_families(await house.metrics())
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


async def test_every_promised_name_is_there_from_the_start() -> None:
    async with doors() as house:
        families = {f.name: f.type for f in text_string_to_metric_families(await house.metrics())}
        assert {name: kind for name, kind in families.items() if name.startswith("ciranda_")} == PROMISED
        assert "process_cpu_seconds" in families


async def test_open_metrics_too() -> None:
    async with doors() as house:
        headers = {"Accept": "application/openmetrics-text; version=1.0.0"}
        async with house.http.get(house.url("/metrics"), headers=headers) as response:
            assert response.content_type == "application/openmetrics-text"
            assert (await response.text()).endswith("# EOF\n")


async def test_people_and_tracks_are_counted() -> None:
    async with doors() as house:
        ana = await house.member("Ana")
        await ana.offer(PUBLISH)
        await house.member("Bo", room="red")
        samples = await scrape(house)
        assert samples["ciranda_rooms", ()] == 2
        assert samples["ciranda_participants", ()] == 2
        assert samples["ciranda_tracks", (("kind", "audio"),)] == 1
        assert samples["ciranda_tracks", (("kind", "video"),)] == 1
        assert samples["ciranda_join_seconds_count", (("stage", "negotiate"),)] == 1


async def test_labels_do_not_grow_with_people() -> None:
    async with doors() as house:
        before = set(await scrape(house))
        for number in range(20):
            member = await house.member(f"Person {number}", room=f"room{number % 5}")
            await member.offer(PUBLISH if number % 2 else WATCH)
        after = set(await scrape(house))
        assert len(after - before) < 20
        assert not re.search(r'Person|room\d|"[pt]_', await house.metrics())


async def test_the_load_is_measured_all_the_time() -> None:
    async with doors() as house:

        async def measured() -> bool:
            return ("ciranda_worker_busy_ratio", (("worker", "0"),)) in await scrape(house)

        await eventually(measured, within_s=5, what="two samples of the worker's load")
        samples = await scrape(house)
        assert 0 <= samples["ciranda_worker_busy_ratio", (("worker", "0"),)] <= 1
        assert 0 <= samples["ciranda_event_loop_lag_seconds", ()] < 5


@pytest.mark.timeout(60)
async def test_real_media_moves_the_values() -> None:
    async with doors() as house, WrtcHttpClient() as publisher, WrtcHttpClient() as viewer:
        await publisher.publish(house.url("/whip/studio"))
        await viewer.watch(house.url("/whep/studio"))

        async def reported() -> bool:
            samples = await scrape(house)
            return (
                samples.get(("ciranda_rtt_seconds", (("quantile", "0.5"),)), 0) > 0
                and samples["ciranda_forward_latency_seconds_count", ()] > 100
            )

        await eventually(reported, within_s=20, what="receiver reports came back")
        samples = await scrape(house)
        for direction in ("in", "out"):
            assert samples["ciranda_bytes_total", (("direction", direction),)] > 10_000
            for kind in ("audio", "video", "rtcp", "stun", "dtls"):
                assert samples["ciranda_packets_total", (("direction", direction), ("kind", kind))] > 0, (
                    direction,
                    kind,
                )
        for stage in ("negotiate", "ice", "dtls", "total"):
            assert samples["ciranda_join_seconds_count", (("stage", stage),)] == 2
        assert samples["ciranda_packet_loss_ratio", (("quantile", "1"),)] == 0
        buckets = [v for (name, _), v in samples.items() if name == "ciranda_forward_latency_seconds_bucket"]
        assert buckets == sorted(buckets)
        assert samples["ciranda_tracks", (("kind", "video"),)] == 1


async def test_who_waits_what_is_shared_and_what_hosts_do_is_counted() -> None:
    async with doors() as house:
        ana, bo = await house.member("Ana"), await house.member("Bo")
        await bo.send(type="end")
        await bo.refused("permission_denied")
        await ana.send(type="room", waiting_room=True)
        await bo.until("room")
        await house.waiter("Cid")
        headers = {"Authorization": f"Bearer {ana.welcome['resume']}"}
        async with house.http.post(house.url("/files/blue"), data=b"x" * 1_000, headers=headers) as response:
            assert response.status == 201
        samples = await scrape(house)
        assert samples["ciranda_waiting", ()] == 1
        assert samples["ciranda_file_bytes", ()] == 1_000
        assert samples["ciranda_moderation_total", (("action", "end"), ("outcome", "denied"))] == 1
        assert samples["ciranda_moderation_total", (("action", "room"), ("outcome", "done"))] == 1
