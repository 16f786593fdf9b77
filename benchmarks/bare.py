"""The baseline: the same framework and server, returning stored bytes. No middleware, no log, no parameters."""

from __future__ import annotations

import os

from fastapi import FastAPI, Response

app = FastAPI()
_BODY = b'"' + b"x" * (int(os.environ.get("BENCH_BODY_BYTES", "17000")) - 2) + b'"'


@app.get("/skill-gap")
async def bare() -> Response:
    return Response(_BODY, media_type="application/json")


@app.get("/health")
async def health() -> Response:
    return Response(b'{"status":"ok"}', media_type="application/json")
