"""The HTTP service: a FastAPI application behind an answer cache and a request log."""

import os

# Before numpy is imported. A matrix product on all cores would keep the event loop waiting for one of them.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
