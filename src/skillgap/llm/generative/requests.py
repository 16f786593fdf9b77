"""Send the requests of one run to a model, within its limits."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from aiolimiter import AsyncLimiter

from skillgap.analysis.similarity.profiles import Profile
from skillgap.errors import ModelRefusesCredentials, ModelUnavailable
from skillgap.llm.generative.prompt import Prompt
from skillgap.llm.generative.replies import RawLevel, digit_reply, encodable, read_digit_reply, read_levels_reply
from skillgap.llm.generative.reply_store import AsyncReplyStore, Reply
from skillgap.llm.generative.usage import Usage
from skillgap.llm.training_data import Skill

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelMessage, ModelResponse
    from pydantic_ai.models import Model

_TOP_TOKENS = 20
_MAX_FAILURES_IN_A_ROW = 5
_MAX_UNWRITTEN = 16
"""Replies that may wait for a slow database while more requests are sent; a killed run loses them."""


@dataclass(frozen=True)
class Limits:
    """Limits on the requests to a model."""

    concurrency: int = 4
    """Requests at the same time."""
    requests_per_minute: float = 60.0
    most_tokens: int | None = None
    """Input and output tokens of one run."""
    timeout: float = 120.0
    """Seconds per request."""
    attempts: int = 3
    """For a valid reply. The provider's library makes as many attempts if the server is busy or down."""
    most_invalid_replies: int = 10
    """In a row, not counting first replies: every request is repeated once with the reason."""


@dataclass(frozen=True)
class FailedRequest:
    """A request without a valid reply. `element_id` is None if the request was for all skills."""

    onet_soc_code: str
    element_id: str | None
    reason: str


class RepliesStayInvalid(Exception):
    """Too many invalid replies in a row. `text` is the last one; the message is the reason."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(reason)
        self.text = text


class _NoReply(Exception):
    """No reply to a request; the message is the reason."""


class Run:
    """The requests of one run."""

    def __init__(
        self,
        model: Model,
        name: str,
        prompt: Prompt,
        replies: AsyncReplyStore,
        *,
        limits: Limits,
        usage: Usage,
    ) -> None:
        self._model, self._name, self._prompt, self._replies = model, name, prompt, replies
        self._limits, self._usage = limits, usage
        self._requests = asyncio.Semaphore(limits.concurrency)
        self._unfinished = asyncio.Semaphore(limits.concurrency + _MAX_UNWRITTEN)
        self._rate = AsyncLimiter(1, 60.0 / limits.requests_per_minute)
        self._failures_in_a_row = 0
        self._invalid_in_a_row = 0

    async def levels(self, profile: Profile, skills: list[Skill]) -> list[RawLevel] | FailedRequest:
        """Return the levels in the reply to a request, stored or new."""
        element_id = skills[0].element_id if self._prompt.is_digit else None
        text = self._prompt.text(profile, skills)
        request = json.dumps([self._name, self._prompt.version, self._prompt.instructions, text])
        sha256 = hashlib.sha256(request.encode()).hexdigest()
        if stored := await self._replies.get(sha256):
            with suppress(ValueError):  # a reply that an earlier version could read
                return self._read(stored.text, profile, skills)
        writes: list[asyncio.Future[None]] = []

        def store(reply: Reply) -> None:
            subject = {
                "model": self._name,
                "prompt_version": self._prompt.version,
                "onet_soc_code": profile.onet_soc_code,
                "element_id": element_id,
            }
            writes.append(self._replies.put(sha256, reply, **subject))

        async with self._unfinished:
            result: list[RawLevel] | FailedRequest
            try:
                async with self._requests:
                    result = await self._converse(text, lambda reply: self._read(reply, profile, skills), store)
            except _NoReply as reason:
                result = FailedRequest(profile.onet_soc_code, element_id, str(reason))
            finally:
                await asyncio.gather(*writes)
            return result

    async def _converse(
        self, text: str, read: Callable[[str], list[RawLevel]], store: Callable[[Reply], None]
    ) -> list[RawLevel]:
        """Repeat a request until a reply can be read, and store every reply. Raises _NoReply."""
        from pydantic_ai.messages import ModelRequest

        messages: list[ModelMessage] = [ModelRequest.user_text_prompt(text, instructions=self._prompt.instructions)]
        error = ""
        for attempt in range(self._limits.attempts):
            if self._is_over_budget():
                raise _NoReply(f"the budget of {self._limits.most_tokens:,} tokens is spent")
            started = time.perf_counter()
            response = await self._respond(messages)
            self._usage.add(response)
            reply = Reply(
                text=digit_reply(response) if self._prompt.is_digit else response.text or "",
                input_tokens=response.usage.input_tokens,
                output_tokens=response.usage.output_tokens,
                seconds=round(time.perf_counter() - started, 3),
                error=None,
            )
            try:
                levels = read(reply.text)
            except ValueError as invalid:
                error = str(invalid)
                store(replace(reply, error=error))
                self._count_invalid(reply.text, error, is_repeated=attempt > 0 or self._limits.attempts == 1)
            else:
                store(reply)
                self._invalid_in_a_row = 0
                return levels
            messages += [
                response,
                ModelRequest.user_text_prompt(f"This answer cannot be used: {error}. Answer again, in the form asked."),
            ]
        raise _NoReply(f"no valid reply in {self._limits.attempts} attempts; the last: {error}")

    def _count_invalid(self, text: str, error: str, *, is_repeated: bool) -> None:
        """Count an invalid reply to a repeated request. Raises RepliesStayInvalid."""
        self._invalid_in_a_row += is_repeated
        if self._invalid_in_a_row >= self._limits.most_invalid_replies:
            raise RepliesStayInvalid(text, error)

    async def _respond(self, messages: Sequence[ModelMessage]) -> ModelResponse:
        """Return the response. Raises _NoReply, and the errors that end the run."""
        from pydantic_ai.exceptions import ModelAPIError, UnexpectedModelBehavior

        failure: Exception
        async with self._rate:
            try:
                response = await self._request(messages)
            except (ModelAPIError, UnexpectedModelBehavior, IndexError) as error:
                failure = error  # IndexError: a completion without choices
            else:
                self._failures_in_a_row = 0
                return response
        # Raised outside the `except` block: the provider's error may hold the key and must not become the context.
        raise _NoReply(self._explain(failure))

    async def _request(self, messages: Sequence[ModelMessage]) -> ModelResponse:
        from pydantic_ai.direct import model_request
        from pydantic_ai.messages import TextPart, ThinkingPart
        from pydantic_ai.models.openai import OpenAIChatModelSettings

        limits = self._limits
        settings = OpenAIChatModelSettings(temperature=0.0, timeout=limits.timeout, max_retries=limits.attempts)
        if self._prompt.is_digit:
            settings |= OpenAIChatModelSettings(max_tokens=1, openai_logprobs=True, openai_top_logprobs=_TOP_TOKENS)
        response = await model_request(self._model, messages, model_settings=settings)
        for part in response.parts:
            if isinstance(part, TextPart | ThinkingPart):  # stored, and sent again after an invalid reply
                part.content = encodable(part.content)
        return response

    def _explain(self, failure: Exception) -> str:
        """Return the reason, without the provider's message: it may hold the key. Raises errors that end the run."""
        from pydantic_ai.exceptions import ModelAPIError

        status = getattr(failure, "status_code", None)
        if status in (401, 403):
            raise ModelRefusesCredentials(
                f"{self._name} refuses the key (HTTP {status}); is SKILLGAP_LLM_API_KEY a key for this provider?"
            )
        is_from_provider = isinstance(failure, ModelAPIError)
        reason = f"HTTP {status}" if status else type(failure).__name__ if is_from_provider else "no chat completion"
        self._failures_in_a_row += 1
        if self._failures_in_a_row >= _MAX_FAILURES_IN_A_ROW:
            raise ModelUnavailable(
                f"{self._name} failed {_MAX_FAILURES_IN_A_ROW} times in a row, the last time with {reason}; "
                "replies so far are stored, run it again later"
            )
        return f"the model's server failed ({reason})"

    def _is_over_budget(self) -> bool:
        most = self._limits.most_tokens
        return most is not None and self._usage.tokens >= most

    def _read(self, text: str, profile: Profile, skills: list[Skill]) -> list[RawLevel]:
        if self._prompt.is_digit:
            return read_digit_reply(text, profile, skills[0])
        return read_levels_reply(text, profile, skills)
