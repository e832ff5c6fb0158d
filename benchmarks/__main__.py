"""`python -m benchmarks` (what `make bench` runs): the load benchmark with its defaults, or the flags given."""

import sys

from benchmarks.load import main

sys.exit(main())
