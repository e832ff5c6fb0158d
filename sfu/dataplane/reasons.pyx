"""Owns the names of the reasons for drops and closes; never counts any (the counters are the engine's)."""

DROP_NAMES = tuple(
    reason.name.removeprefix("DROP_").lower() for reason in sorted(DropReason) if reason.name not in ("DROP_NONE", "DROP_COUNT")
)
"""Metric labels by number, starting at reason 1."""

CLOSE_NAMES = tuple(
    reason.name.removeprefix("CLOSE_").lower() for reason in sorted(CloseReason) if reason.name != "CLOSE_COUNT"
)
"""Metric labels by number."""
