"""Processes forked from one that has everything imported: new interpreters for hundreds would take minutes."""

from __future__ import annotations

import multiprocessing

processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(
    [
        *("tests.store.killed_load", "tests.api.serving", "skillgap.llm.calibration", "pydantic_ai.models.openai"),
        # Of the service what does not import prometheus_client, which looks at its import whether workers share counts.
        *("skillgap.api.server", "skillgap.api.routers.occupations", "skillgap.api.routers.paths"),
    ]
)
