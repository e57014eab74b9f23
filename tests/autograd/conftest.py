"""One thread for torch: its matrices are tiny here, and threads that wait for each other take twice the time."""

from __future__ import annotations

import os

# Before torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")
