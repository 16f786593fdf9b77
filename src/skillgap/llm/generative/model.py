"""A hosted or local language model that is prompted for levels.

Raw levels are far off (by 1.6 levels and more for hosted models), so `llm.calibration` corrects them before use.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from skillgap.analysis.similarity.profiles import Profile
from skillgap.errors import RepliesInvalid
from skillgap.llm.generative.prompt import Prompt
from skillgap.llm.generative.replies import RawLevel
from skillgap.llm.generative.reply_store import AsyncReplyStore, ReplyStore
from skillgap.llm.generative.requests import FailedRequest, Limits, RepliesStayInvalid, Run
from skillgap.llm.generative.usage import Usage
from skillgap.llm.training_data import Skill

if TYPE_CHECKING:
    from pydantic_ai.models import Model

_SHOWN = 300
"""Characters of a reply in a message."""

OnReply = Callable[[int, int], None]
"""Called with the number of replies so far and the number of requests."""


@dataclass
class GenerativeModel:
    """A language model with a prompt; `serve` gives access to the model for the length of a block."""

    name: str
    prompt: Prompt
    serve: Callable[[], AbstractContextManager[Model]]
    limits: Limits = field(default_factory=Limits)
    usage: Usage = field(default_factory=Usage)

    async def ask(
        self,
        profiles: Sequence[Profile],
        skills: Sequence[Skill],
        replies: ReplyStore,
        *,
        on_reply: OnReply | None = None,
    ) -> list[RawLevel | FailedRequest]:
        """Request the levels of the occupations' skills. A request with a stored reply is not sent again.

        Raises ModelRefusesCredentials, ModelUnavailable (every request fails), RepliesInvalid (no reply can be read),
        and the errors of `replies`. The replies up to then are stored.
        """
        requests = [
            (profile, part)
            for profile in profiles
            for part in ([[skill] for skill in skills] if self.prompt.is_digit else [list(skills)])
        ]
        done = 0

        async def request(run: Run, profile: Profile, part: list[Skill]) -> list[RawLevel] | FailedRequest:
            nonlocal done
            result = await run.levels(profile, part)
            done += 1
            if on_reply:
                on_reply(done, len(requests))
            return result

        try:
            with self.serve() as served:
                async with served as model, AsyncReplyStore(replies) as store:
                    run = Run(model, self.name, self.prompt, store, limits=self.limits, usage=self.usage)
                    tasks = [asyncio.create_task(request(run, *each)) for each in requests]
                    try:
                        results = await asyncio.gather(*tasks)
                    finally:
                        for task in tasks:
                            task.cancel()
                        await asyncio.gather(*tasks, return_exceptions=True)
        except RepliesStayInvalid as error:  # converted here, after all replies have been counted and stored
            raise self._replies_invalid(error) from None
        return [item for result in results for item in ([result] if isinstance(result, FailedRequest) else result)]

    def _replies_invalid(self, error: RepliesStayInvalid) -> RepliesInvalid:
        text = error.text
        beginning = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
        return RepliesInvalid(
            f"{self.name}: {self.limits.most_invalid_replies} replies in a row cannot be read, although the model was "
            f"told why; {self.usage.requests} replies were paid for ({self.usage.tokens:,} tokens). The table "
            "LLMReplies has the last reply to each request. Try another model (SKILLGAP_LLM_MODEL) or prompt "
            f"(SKILLGAP_LLM_PROMPT). The last reply ({error}): {beginning!r}",
            reply=text,
        )
