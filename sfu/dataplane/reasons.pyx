"""Owns the names of the drop reasons; never counts any (the counters are the engine's)."""

DROP_NAMES = tuple(
    reason.name.removeprefix("DROP_").lower() for reason in sorted(DropReason) if reason.name not in ("DROP_NONE", "DROP_COUNT")
)
"""Metric labels by number, starting at reason 1."""
