"""Find the profiler of a model, with the database as the store of its replies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine

from skillgap.extras import needs
from skillgap.llm.catalog import find_model
from skillgap.store.engine import read
from skillgap.store.loads import keep_reply
from skillgap.store.queries import get_reply

if TYPE_CHECKING:
    from skillgap.llm.generative.model import OnReply
    from skillgap.llm.generative.reply_store import Reply
    from skillgap.llm.profiler import Profiler


def find_profiler(
    engine: Engine, name: str, *, sample: int = 60, on_reply: OnReply | None = None, **options: Any
) -> Profiler:
    """Return the profiler of a model. `options` are the arguments of `find_model`. Raises ConfigurationError.

    A generative model is calibrated on `sample` rated occupations, and its replies are stored in the database.
    """
    with needs("llm"):
        from skillgap.llm.calibration import CalibratedProfiler
        from skillgap.llm.embedded import EmbeddedProfiler
    model = find_model(name, **options)
    if isinstance(model, EmbeddedProfiler):
        return model
    return CalibratedProfiler(model, StoredReplies(engine), sample=sample, on_reply=on_reply)


@dataclass(frozen=True)
class StoredReplies:
    """Replies in the database: a reply that was paid for outlives the run."""

    engine: Engine

    def get(self, request_sha256: str) -> Reply | None:
        """Return the valid reply to a request; None if there is none."""
        from skillgap.llm.generative.reply_store import Reply

        with read(self.engine) as connection:
            row = get_reply(connection, request_sha256)
        if row is None:
            return None
        return Reply(
            text=row["reply"],
            input_tokens=row["input_tokens"],
            output_tokens=row["output_tokens"],
            seconds=row["seconds"],
            error=row["error"],
        )

    def put(self, request_sha256: str, reply: Reply, **subject: str | None) -> None:
        """Store a reply, valid or not."""
        row = {
            "request_sha256": request_sha256,
            **subject,
            "reply": reply.text,
            "input_tokens": reply.input_tokens,
            "output_tokens": reply.output_tokens,
            "seconds": reply.seconds,
            "error": reply.error,
        }
        keep_reply(self.engine, row)
