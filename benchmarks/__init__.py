"""Benchmarks: real endpoints against a running server, and the machine's floor beside them. Not part of the wheel."""
