"""Compiles `benchmarks/native/*.pyx` in place; they are no part of the wheel. What is up to date is left alone."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FLAGS = "-O3 -std=gnu11 -fno-strict-aliasing -Wall -Wno-unused-function -Wno-cast-function-type"
DIRECTIVES = {"boundscheck": False, "wraparound": False, "cdivision": True, "legacy_implicit_noexcept": False}


def build() -> None:
    """`subprocess.CalledProcessError`, after the compiler's own words on stderr, when it cannot be built."""
    sources = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "benchmarks" / "native").glob("*.pyx"))
    command = [sys.executable, "-m", "Cython.Build.Cythonize", "--inplace", "--quiet", "-3"]
    for name, value in DIRECTIVES.items():
        command += ["-X", f"{name}={value}"]
    environment = os.environ | {"CFLAGS": FLAGS}
    subprocess.run([*command, *sources], cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    build()
