"""Token buckets let a burst through, then an average, and remember a bounded number of keys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.rate import KeyedBuckets, Share, TokenBucket


def test_a_burst_then_the_average() -> None:
    bucket = TokenBucket(per_second=10, burst=5)
    assert [bucket.take(100.0) for _ in range(7)] == [True] * 5 + [False] * 2
    assert not bucket.take(100.05)
    assert bucket.take(100.25)


@given(st.lists(st.floats(0, 10), max_size=200))
def test_never_more_than_burst_plus_rate(waits: list[float]) -> None:
    bucket = TokenBucket(per_second=3, burst=4)
    now, taken = 50.0, 0
    for wait in waits:
        now += wait
        taken += bucket.take(now)
    assert taken <= 4 + 3 * (now - 50.0) + 1e-6


def test_keys_do_not_share_and_are_bounded() -> None:
    buckets = KeyedBuckets(per_second=1, burst=1, most_keys=3)
    assert buckets.take("a", 1.0)
    assert not buckets.take("a", 1.0)
    assert all(buckets.take(key, 1.0) for key in "bcd")
    assert len(buckets) == 3


def test_what_was_spent_wears_off() -> None:
    share = Share(0.1, 0.5)
    share.spend(0.4, 100.0)
    assert share.spent(102.0) == pytest.approx(0.2)
    assert share.spent(200.0) == 0
