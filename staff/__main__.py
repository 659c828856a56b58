"""`python -m staff`: what the vendor's staff do with a deployed stack."""

import sys

from staff.cli import main

if __name__ == "__main__":
    sys.exit(main())
