"""Which version this is, as the package's metadata says."""

import importlib.metadata


def version() -> str:
    """`unknown` where Ciranda runs from its sources and is not installed."""
    try:
        return importlib.metadata.version("ciranda")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
