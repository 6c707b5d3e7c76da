"""Keepone's service: it computes about pictures and remembers nothing.

What must be remembered goes through `index_store`.
"""

import os

__version__ = "0.1.0"

# One thread for each product of small matrices: requests run side by side already, and two BLAS threads on busy cores
# wait for each other (measured: 8 ms instead of 1 ms for one search). Must be set before numpy is first imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OPENCV_FOR_THREADS_NUM", "1")
