"""Builds what is compiled: every `.pyx` of the data plane and of the benchmarks becomes an extension module of its own.

`CIRANDA_WERROR=1` turns compiler warnings into errors (the Makefile sets it), `CIRANDA_SANITIZE=address`
builds under AddressSanitizer, and `CIRANDA_EXTENSIONS=packet,engine` builds only the modules named (`none`: no module).
"""

import os
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

FLAGS = ["-O3", "-std=gnu11", "-fno-strict-aliasing", "-Wall", "-Wextra"]
# What Cython's own generated code trips over; none of it concerns what the .pyx says.
FLAGS += ["-Wno-unused-parameter", "-Wno-unused-function", "-Wno-cast-function-type", "-Wno-missing-field-initializers"]
LINK: list[str] = []
FOLDERS = ("sfu/dataplane", "benchmarks/native")
if os.environ.get("CIRANDA_WERROR"):
    FLAGS.append("-Werror")
if sanitizer := os.environ.get("CIRANDA_SANITIZE"):
    FLAGS += [f"-fsanitize={sanitizer}", "-fno-omit-frame-pointer", "-g", "-O1"]
    LINK.append(f"-fsanitize={sanitizer}")


def extensions() -> list[Extension]:
    wanted = set(filter(None, os.environ.get("CIRANDA_EXTENSIONS", "").split(",")))
    sources = [p for folder in FOLDERS for p in sorted(Path(folder).glob("*.pyx")) if not wanted or p.stem in wanted]
    return [
        Extension(".".join(p.with_suffix("").parts), [str(p)], extra_compile_args=FLAGS, extra_link_args=LINK)
        for p in sources
    ]


setup(
    ext_modules=cythonize(
        extensions(),
        nthreads=os.cpu_count() or 1,
        compiler_directives={
            "language_level": 3,
            "boundscheck": False,
            "wraparound": False,
            "cdivision": True,
            "legacy_implicit_noexcept": False,
            "embedsignature": True,
            "freethreading_compatible": False,
        },
    )
)
