"""`python -m gradflow` and the `gradflow` command."""

from __future__ import annotations

import os
import sys


def main() -> int:
    """Run the command line and return its exit status."""
    # The training uses one thread of OpenBLAS anyway; those it would start for each core take longer than the rest.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from gradflow.cli import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
