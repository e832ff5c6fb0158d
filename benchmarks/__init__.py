"""Benchmarks: real endpoints against a running server, and the machine's floor beside them (`ciranda bench`)."""
