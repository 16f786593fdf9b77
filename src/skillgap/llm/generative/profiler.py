"""The generative profiler: a hosted or local language model is asked for levels, and what it says is kept, then read.

A reply is kept under the hash of the request as soon as it arrives: a valid one is never paid for twice. Of an invalid
one the text is kept until the next attempt replaces it.
Raw levels are far off (hosted models by 1.6 levels and more), so `calibration` puts them right before they are used.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Annotated, Any, Protocol, cast
from urllib.parse import urlsplit

import numpy as np
from aiolimiter import AsyncLimiter
from pydantic import BaseModel, BeforeValidator, Field, StringConstraints, TypeAdapter, ValidationError

from skillgap.analysis.similarity.profiles import Profile
from skillgap.errors import (
    ConfigurationError,
    DatabaseUnavailable,
    ModelRefusesCredentials,
    ModelUnavailable,
    RepliesInvalid,
)
from skillgap.extras import needs
from skillgap.llm.encoder import model_file
from skillgap.llm.generative.reply_json import find_by_id
from skillgap.llm.training_data import Skill
from skillgap.urls import masked_url, masked_urls

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelMessage, ModelResponse
    from pydantic_ai.models import Model

HIGHEST_DIGIT = 7
_DIGITS = tuple(str(digit) for digit in range(HIGHEST_DIGIT + 1))
_TOP_TOKENS = 20
_MOST_TASKS = 15
_MOST_FAILURES_IN_A_ROW = 5
_READERS = 4
_MOST_UNKEPT = 16
"""Most replies that wait for a slow database while more requests are sent; a killed run loses them."""
_SHOWN = 300
"""Characters of a reply in a message."""

OnReply = Callable[[int, int], None]
"""Called with requests answered so far, and how many there are."""


# -- what is asked ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Prompt:
    """A versioned prompt; a changed text is a new version."""

    version: str
    instructions: str
    template: str

    @property
    def asks_for_a_digit(self) -> bool:
        """Whether each skill is asked for on its own, by one digit; else one request asks for all."""
        return self.version.startswith("digit-")

    def text(self, profile: Profile, skills: Sequence[Skill]) -> str:
        """Return what is asked of an occupation; nothing of it is a rating."""
        return Template(self.template).substitute(
            title=profile.title,
            description=profile.description,
            tasks="\n".join(f"- {task}" for task in profile.tasks[:_MOST_TASKS]) or "(not known)",
            skills="\n".join(_described(skill) for skill in skills),
        )


def read_prompt(version: str) -> Prompt:
    """Return a prompt of this package. Raises ConfigurationError."""
    folder = files("skillgap.llm") / "prompts"
    versions = sorted(file.name.removesuffix(".md") for file in folder.iterdir() if file.name.endswith(".md"))
    if version not in versions:
        raise ConfigurationError(f"no prompt {version}; prompts: {', '.join(versions)}")
    instructions, _, template = (folder / f"{version}.md").read_text().partition("\n---\n")
    return Prompt(version, instructions, template)


def _described(skill: Skill) -> str:
    anchors = "; ".join(f"{level}: {example}" for level, example in skill.anchors)
    described = f"{skill.element_id} {skill.name}: {skill.description}".removesuffix(": ")
    return f"{described} ({anchors})" if anchors else described


# -- what is answered ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reply:
    """What one attempt got."""

    text: str
    input_tokens: int
    output_tokens: int
    seconds: float
    error: str | None
    """Why no level could be read from it."""


class Replies(Protocol):
    """Where replies are kept. Both methods are called in threads, `put` by one at a time."""

    def get(self, request_sha256: str) -> Reply | None:
        """Return the valid reply to a request, if there is one."""

    def put(
        self,
        request_sha256: str,
        reply: Reply,
        *,
        model: str,
        prompt_version: str,
        onet_soc_code: str,
        element_id: str | None,
    ) -> None:
        """Keep a reply, valid or not."""


@dataclass(frozen=True)
class RawLevel:
    """A level as the model said it, before calibration."""

    onet_soc_code: str
    element_id: str
    level: float
    explanation: str
    reply: str
    """The part of the reply that speaks of it."""


@dataclass(frozen=True)
class Refused:
    """A request that has no valid reply; `element_id` is None where it asked for all skills."""

    onet_soc_code: str
    element_id: str | None
    reason: str


def _not_a_boolean(value: object) -> object:
    if isinstance(value, bool):  # which would count as 0 or 1
        raise ValueError("Input should be a valid number")  # noqa: TRY004 - pydantic reports ValueError alone
    return value


class _Level(BaseModel):
    level: Annotated[float, Field(ge=0, le=HIGHEST_DIGIT, allow_inf_nan=False), BeforeValidator(_not_a_boolean)]
    """A number, or a text that is one: "4.5"."""
    explanation: Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


_LEVELS = TypeAdapter(dict[str, _Level])


def read_levels_reply(text: str, profile: Profile, skills: Sequence[Skill]) -> list[RawLevel]:
    """Return the levels of a JSON reply, whatever stands around the JSON. Raises ValueError saying what is wrong."""
    try:
        levels = _LEVELS.validate_python(find_by_id(text, {skill.element_id: skill.name for skill in skills}))
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, each['loc'])) or 'the reply'}: {each['msg']}" for each in error.errors()[:3]]
        raise ValueError("; ".join(wrong)) from None
    if missing := [skill.element_id for skill in skills if skill.element_id not in levels]:
        raise ValueError(f"no level of {', '.join(missing)}")
    return [
        RawLevel(
            profile.onet_soc_code,
            skill.element_id,
            found.level,
            found.explanation,
            json.dumps({skill.element_id: found.model_dump()}, ensure_ascii=False),
        )
        for skill in skills
        if (found := levels[skill.element_id])
    ]


def read_digit_reply(text: str, profile: Profile, skill: Skill) -> list[RawLevel]:
    """Return the level of a one-digit reply: the expected value over the digits where their chances are known.

    Raises ValueError saying what is wrong with it.
    """
    reply = json.loads(text)
    chances = {token: np.exp(chance) for token, chance in reply["digits"].items()}
    if chances:
        level = sum(int(digit) * chance for digit, chance in chances.items()) / sum(chances.values())
        explanation = f"expected value over the digits, which have {sum(chances.values()):.0%} of the chance"
    elif reply["text"].strip() in _DIGITS:
        level, explanation = float(reply["text"]), "the digit said"
    else:
        raise ValueError(f"not one digit from 0 to {HIGHEST_DIGIT}: {reply['text'][:60]!r}")
    return [RawLevel(profile.onet_soc_code, skill.element_id, float(level), explanation, text)]


def _encodable(text: str) -> str:
    """Return a text whose lone surrogates, which UTF-8 cannot encode, are U+FFFD, and whose pairs are characters."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _digit_reply(response: ModelResponse) -> str:
    """Return the reply with the log-probabilities of the digits among its first token's likeliest."""
    [first, *_] = (response.provider_details or {}).get("logprobs") or [{}]
    digits = {
        top["token"].strip(): top["logprob"]
        for top in reversed(first.get("top_logprobs") or [])  # of `4` and ` 4` the likelier stays
        if top["token"].strip() in _DIGITS
    }
    return json.dumps({"text": response.text or "", "digits": digits})


# -- asking ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Limits:
    """How hard a model may be worked."""

    concurrency: int = 4
    """Requests at once."""
    requests_per_minute: float = 60.0
    most_tokens: int | None = None
    """Of one run, in and out."""
    timeout: float = 120.0
    """Seconds that a request may take."""
    attempts: int = 3
    """For a valid reply; and as many again, by the provider's library, where the server is busy or away."""
    most_invalid_replies: int = 10
    """In a row, not counting first replies, before the run stops: each request is repeated once with the reason."""


@dataclass
class Usage:
    """What a run has used."""

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0
    """None where a model has no known price."""

    def add(self, response: ModelResponse) -> None:
        """Count a response."""
        self.requests += 1
        self.input_tokens += response.usage.input_tokens
        self.output_tokens += response.usage.output_tokens
        try:
            if self.cost_usd is not None:
                self.cost_usd += float(response.cost().total_price)
        except (LookupError, ValueError):
            self.cost_usd = None


@dataclass
class Generative:
    """A language model with a prompt; `serve` gives the model for as long as it is asked."""

    name: str
    prompt: Prompt
    serve: Callable[[], AbstractContextManager[Model]]
    limits: Limits = field(default_factory=Limits)
    usage: Usage = field(default_factory=Usage)

    async def ask(
        self,
        profiles: Sequence[Profile],
        skills: Sequence[Skill],
        replies: Replies,
        *,
        on_reply: OnReply | None = None,
    ) -> list[RawLevel | Refused]:
        """Ask for the skills of the occupations; what is kept in `replies` is not asked for again.

        Raises ModelRefusesCredentials, ModelUnavailable (nothing but failures), RepliesInvalid (nothing but replies
        that cannot be read), and what `replies` raises; replies so far are kept then, too.
        """
        requests = [
            (profile, asked)
            for profile in profiles
            for asked in ([[skill] for skill in skills] if self.prompt.asks_for_a_digit else [list(skills)])
        ]
        done = 0

        async def ask_one(run: _Run, profile: Profile, asked: list[Skill]) -> list[RawLevel] | Refused:
            nonlocal done
            found = await run.levels(profile, asked)
            done += 1
            if on_reply:
                on_reply(done, len(requests))
            return found

        try:
            with self.serve() as served:
                async with served as model, _Keeper(replies) as keeper:
                    run = _Run(self, model, keeper)
                    tasks = [asyncio.create_task(ask_one(run, *request)) for request in requests]
                    try:
                        found = await asyncio.gather(*tasks)
                    finally:
                        for task in tasks:
                            task.cancel()
                        await asyncio.gather(*tasks, return_exceptions=True)
        except _StayInvalid as stopped:  # raised here, when all replies are counted and kept
            raise self._stopped(stopped) from None
        return [each for part in found for each in ([part] if isinstance(part, Refused) else part)]

    def _stopped(self, stopped: _StayInvalid) -> RepliesInvalid:
        usage, said = self.usage, stopped.said
        tokens = usage.input_tokens + usage.output_tokens
        begins = said if len(said) <= _SHOWN else f"{said[:_SHOWN]}…"
        return RepliesInvalid(
            f"{self.name}: {self.limits.most_invalid_replies} replies in a row cannot be read, though the model was "
            f"told why; {usage.requests} replies were paid for ({tokens:,} tokens); the table LLMReplies has "
            "the last one to each request. Try another model (SKILLGAP_LLM_MODEL) or prompt (SKILLGAP_LLM_PROMPT). "
            f"The last one ({stopped.error}): {begins!r}",
            reply=said,
        )


class _NoReply(Exception):
    """Its text says why."""


class _StayInvalid(Exception):
    """Too many invalid replies in a row; `said` is the last one, `error` the reason."""

    def __init__(self, said: str, error: str) -> None:
        super().__init__(error)
        self.said, self.error = said, error


class _Keeper:
    """Reads and writes replies in threads, so that a slow or locked database does not block the event loop."""

    def __init__(self, replies: Replies) -> None:
        self._replies = replies
        self._readers = ThreadPoolExecutor(_READERS, "skillgap-replies")
        self._writer = ThreadPoolExecutor(1, "skillgap-replies")  # in the order of the replies, and SQLite has one
        self._unavailable: DatabaseUnavailable | None = None

    async def __aenter__(self) -> _Keeper:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Wait until every reply is written."""
        self._readers.shutdown(wait=False, cancel_futures=True)
        await asyncio.to_thread(self._writer.shutdown)

    async def get(self, request_sha256: str) -> Reply | None:
        """Return the valid reply to a request, if there is one."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._replies.get, request_sha256)

    def put(self, request_sha256: str, reply: Reply, **spoken_of: Any) -> asyncio.Future[None]:
        """Start to keep a reply, and do so even if the caller is cancelled."""
        written = self._writer.submit(self._put, request_sha256, reply, **spoken_of)
        return asyncio.shield(asyncio.wrap_future(written))

    def _put(self, request_sha256: str, reply: Reply, **spoken_of: Any) -> None:
        if self._unavailable:  # or each would wait for the same lock in turn
            raise self._unavailable
        try:
            self._replies.put(request_sha256, reply, **spoken_of)
        except DatabaseUnavailable as error:
            self._unavailable = error
            raise


class _Run:
    """The requests of one run, within its limits."""

    def __init__(self, asking: Generative, model: Model, replies: _Keeper) -> None:
        self._asking, self._model, self._replies = asking, model, replies
        self._at_once = asyncio.Semaphore(asking.limits.concurrency)
        self._under_way = asyncio.Semaphore(asking.limits.concurrency + _MOST_UNKEPT)
        self._rate = AsyncLimiter(1, 60.0 / asking.limits.requests_per_minute)
        self._failures_in_a_row = 0
        self._invalid_in_a_row = 0

    async def levels(self, profile: Profile, skills: list[Skill]) -> list[RawLevel] | Refused:
        """Return what a request gives, kept or new."""
        prompt = self._asking.prompt
        element_id = skills[0].element_id if prompt.asks_for_a_digit else None
        text = prompt.text(profile, skills)
        asked = json.dumps([self._asking.name, prompt.version, prompt.instructions, text])
        sha256 = hashlib.sha256(asked.encode()).hexdigest()
        if kept := await self._replies.get(sha256):
            with suppress(ValueError):  # an earlier version read what this one does not: it is asked again
                return self._read(kept.text, profile, skills)
        keeping: list[asyncio.Future[None]] = []

        def keep(reply: Reply) -> None:
            kept = self._replies.put(
                sha256,
                reply,
                model=self._asking.name,
                prompt_version=prompt.version,
                onet_soc_code=profile.onet_soc_code,
                element_id=element_id,
            )
            keeping.append(kept)

        async with self._under_way:
            found: list[RawLevel] | Refused
            try:
                async with self._at_once:
                    found = await self._converse(text, lambda said: self._read(said, profile, skills), keep)
            except _NoReply as reason:
                found = Refused(profile.onet_soc_code, element_id, str(reason))
            finally:
                await asyncio.gather(*keeping)
            return found

    async def _converse(
        self, text: str, read: Callable[[str], list[RawLevel]], keep: Callable[[Reply], None]
    ) -> list[RawLevel]:
        """Ask until a reply can be read, and keep each. Raises _NoReply saying why there is none."""
        from pydantic_ai.exceptions import ModelAPIError, UnexpectedModelBehavior
        from pydantic_ai.messages import ModelRequest

        messages: list[ModelMessage] = [
            ModelRequest.user_text_prompt(text, instructions=self._asking.prompt.instructions)
        ]
        error = ""
        for attempt in range(self._asking.limits.attempts):
            if self._is_spent():
                raise _NoReply(f"the budget of {self._asking.limits.most_tokens:,} tokens is spent")
            started = time.perf_counter()
            failure: Exception | None = None
            async with self._rate:
                try:
                    response = await self._request(messages)
                except (ModelAPIError, UnexpectedModelBehavior, IndexError) as error_of_provider:
                    failure = error_of_provider  # IndexError: a completion without choices
            if failure:  # told outside of its own handling: it may hold the key, and must not be the context of ours
                raise _NoReply(self._failed(failure))
            self._failures_in_a_row = 0
            self._asking.usage.add(response)
            said = _digit_reply(response) if self._asking.prompt.asks_for_a_digit else response.text or ""
            reply = Reply(
                said,
                response.usage.input_tokens,
                response.usage.output_tokens,
                round(time.perf_counter() - started, 3),
                error=None,
            )
            try:
                levels = read(said)
            except ValueError as wrong:
                error = str(wrong)
                keep(replace(reply, error=error))
                self._count_invalid(said, error, was_told=attempt > 0 or self._asking.limits.attempts == 1)
            else:
                keep(reply)
                self._invalid_in_a_row = 0
                return levels
            messages += [
                response,
                ModelRequest.user_text_prompt(f"This answer cannot be used: {error}. Answer again, in the form asked."),
            ]
        raise _NoReply(f"no valid reply in {self._asking.limits.attempts} attempts; the last: {error}")

    def _count_invalid(self, said: str, error: str, *, was_told: bool) -> None:
        """Count a reply that stayed invalid though the model `was_told` why. Raises _StayInvalid."""
        self._invalid_in_a_row += was_told
        if self._invalid_in_a_row >= self._asking.limits.most_invalid_replies:
            raise _StayInvalid(said, error)

    async def _request(self, messages: Sequence[ModelMessage]) -> ModelResponse:
        from pydantic_ai.direct import model_request
        from pydantic_ai.messages import TextPart, ThinkingPart
        from pydantic_ai.models.openai import OpenAIChatModelSettings

        limits = self._asking.limits
        settings = OpenAIChatModelSettings(temperature=0.0, timeout=limits.timeout, max_retries=limits.attempts)
        if self._asking.prompt.asks_for_a_digit:
            settings |= OpenAIChatModelSettings(max_tokens=1, openai_logprobs=True, openai_top_logprobs=_TOP_TOKENS)
        response = await model_request(self._model, messages, model_settings=settings)
        for part in response.parts:
            if isinstance(part, TextPart | ThinkingPart):  # to be stored, and sent again after an invalid reply
                part.content = _encodable(part.content)
        return response

    def _failed(self, failure: Exception) -> str:
        """Return what is wrong, in our words: a provider's may hold the key. Raises what ends the run."""
        from pydantic_ai.exceptions import ModelAPIError

        status = getattr(failure, "status_code", None)
        if status in (401, 403):
            raise ModelRefusesCredentials(
                f"{self._asking.name} refuses the key (HTTP {status}); is SKILLGAP_LLM_API_KEY that of this provider?"
            )
        is_of_provider = isinstance(failure, ModelAPIError)
        reason = f"HTTP {status}" if status else type(failure).__name__ if is_of_provider else "no chat completion"
        self._failures_in_a_row += 1
        if self._failures_in_a_row >= _MOST_FAILURES_IN_A_ROW:
            raise ModelUnavailable(
                f"{self._asking.name} failed {_MOST_FAILURES_IN_A_ROW} times in a row, the last time with {reason}; "
                "what was answered is kept, run it again later"
            )
        return f"the model's server failed ({reason})"

    def _is_spent(self) -> bool:
        most, usage = self._asking.limits.most_tokens, self._asking.usage
        return most is not None and usage.input_tokens + usage.output_tokens >= most

    def _read(self, text: str, profile: Profile, skills: list[Skill]) -> list[RawLevel]:
        if self._asking.prompt.asks_for_a_digit:
            return read_digit_reply(text, profile, skills[0])
        return read_levels_reply(text, profile, skills)


# -- models ---------------------------------------------------------------------------------------------------------

LOCAL = "llamacpp:smollm2"
"""The small model of this package's extra, served on this machine."""


def find_generative(
    name: str, *, prompt_version: str, base_url: str | None, api_key: str | None, limits: Limits
) -> Generative:
    """Return a generative model by name, `provider:model`; with `base_url`, of a server that speaks OpenAI's language.

    Raises ConfigurationError: an unknown provider, a package or a key that is not there.
    """
    prompt = read_prompt(prompt_version)
    if name == LOCAL:
        return Generative(name, prompt, _local, replace(limits, concurrency=1, requests_per_minute=60_000.0))
    model = _hosted(name, base_url, api_key)
    return Generative(name, prompt, lambda: nullcontext(model), limits)


_NAMES = f"write it like embedded:smollm2, {LOCAL}, openai:NAME, anthropic:NAME, google:NAME or ollama:NAME"


def _hosted(name: str, base_url: str | None, api_key: str | None) -> Model:
    provider_name, _, model_name = name.partition(":")
    if not model_name:
        raise ConfigurationError(f"no model {name!r}; {_NAMES}")
    _check_base_url(base_url or "")
    try:
        from pydantic_ai.exceptions import UserError
        from pydantic_ai.models import infer_model
        from pydantic_ai.models.openai import OpenAIChatModel
        from pydantic_ai.providers import infer_provider_class
        from pydantic_ai.providers.openai import OpenAIProvider

        if base_url:
            return OpenAIChatModel(model_name, provider=OpenAIProvider(base_url=base_url, api_key=api_key or "none"))
        chat = f"openai-chat:{model_name}" if provider_name == "openai" else name  # which gives log-probabilities
        if api_key:
            return infer_model(chat, lambda of: cast("Any", infer_provider_class(of))(api_key=api_key))
        return infer_model(chat)
    except ImportError as error:
        raise ConfigurationError(f"{name} needs a package: {error}") from error
    except UserError as error:
        said = str(error).partition(" or pass it")[0]  # what goes on is for whoever writes the program
        raise ConfigurationError(f"{name} cannot be used: {said}, or SKILLGAP_LLM_API_KEY") from error
    except (ValueError, TypeError) as error:
        raise ConfigurationError(f"{name} cannot be used: {masked_urls(str(error))}; {_NAMES}") from error


def _check_base_url(base_url: str) -> None:
    """Raise ConfigurationError for a URL whose error would quote a piece of a password."""
    try:
        _ = urlsplit(base_url).port
    except ValueError:
        raise ConfigurationError(
            f"{masked_url(base_url)}: not a base URL of a model's server; in a user name or a password "
            "write / as %2F, : as %3A, ? as %3F, # as %23 and @ as %40"
        ) from None


@contextmanager
def _local() -> Iterator[Model]:
    """Serve the small model on 127.0.0.1, on a free port, until the block ends."""
    with needs("llm"):
        import xllamacpp
        from pydantic_ai.models.openai import OpenAIChatModel
        from pydantic_ai.providers.openai import OpenAIProvider
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(model_file())
    parameters.n_ctx = 4096
    parameters.n_parallel = 1
    parameters.verbosity = -1
    server = xllamacpp.Server(parameters)
    yield OpenAIChatModel("smollm2", provider=OpenAIProvider(base_url=f"{server.listening_address}/v1", api_key="none"))
    del server  # which ends it
