"""The local stack's commands: `python -m local run`, `python -m local sync`."""

import sys

from local.cli import main

if __name__ == "__main__":
    sys.exit(main())
