"""Token buckets: so much at once, so much a second. Pure; the caller says what time it is."""

from collections import OrderedDict


class TokenBucket:
    """At most `burst` at once and `per_second` on average."""

    __slots__ = ("_at_s", "_burst", "_per_second", "_tokens")

    def __init__(self, per_second: float, burst: float) -> None:
        self._per_second = per_second
        self._burst = burst
        self._tokens = burst
        self._at_s = 0.0

    def take(self, now_s: float) -> bool:
        """Whether one more is within the limit at this monotonic time."""
        self._tokens = min(self._burst, self._tokens + max(0.0, now_s - self._at_s) * self._per_second)
        self._at_s = now_s
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Share:
    """So much of something that costs (time of a processor) a second, and so much at once; what is over is owed."""

    __slots__ = ("_at_s", "_burst", "_per_second", "_spent")

    def __init__(self, per_second: float, burst: float) -> None:
        self._per_second = per_second
        self._burst = burst
        self._spent = 0.0
        self._at_s = 0.0

    def spend(self, cost: float, now_s: float) -> float:
        """Seconds to wait until this much is paid for; 0 within the burst."""
        self._spent = self.spent(now_s) + cost
        self._at_s = now_s
        return max(0.0, self._spent - self._burst) / self._per_second

    def spent(self, now_s: float) -> float:
        """What was spent lately: it wears off at the rate."""
        return max(0.0, self._spent - max(0.0, now_s - self._at_s) * self._per_second)


class KeyedBuckets:
    """A bucket a key, for a bounded number of keys: the one unused for longest is forgotten."""

    def __init__(self, per_second: float, burst: float, most_keys: int = 10_000) -> None:
        self._per_second = per_second
        self._burst = burst
        self._most_keys = most_keys
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, key: str, now_s: float) -> bool:
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = TokenBucket(self._per_second, self._burst)
            if len(self._buckets) > self._most_keys:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(key)
        return bucket.take(now_s)
