"""`python -m ciranda serve` is `ciranda serve`."""

import sys

from ciranda.cli import main

if __name__ == "__main__":
    sys.exit(main())
