"""Find a generative model: hosted, on a server with OpenAI's API, or local."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from skillgap.errors import ConfigurationError
from skillgap.extras import needs
from skillgap.llm.encoder import model_file
from skillgap.llm.generative.model import GenerativeModel
from skillgap.llm.generative.prompt import read_prompt
from skillgap.llm.generative.requests import Limits
from skillgap.urls import masked_url, masked_urls

if TYPE_CHECKING:
    from pydantic_ai.models import Model

LOCAL = "llamacpp:smollm2"
"""The small model of the extra `llm`, served on this machine."""
_NAMES = f"write it like embedded:smollm2, {LOCAL}, openai:NAME, anthropic:NAME, google:NAME or ollama:NAME"


def find_generative(
    name: str, *, prompt_version: str, base_url: str | None, api_key: str | None, limits: Limits
) -> GenerativeModel:
    """Return the generative model named `provider:model`; `base_url` is a server with OpenAI's API.

    Raises ConfigurationError: unknown provider, missing package or key.
    """
    prompt = read_prompt(prompt_version)
    if name == LOCAL:
        return GenerativeModel(
            name, prompt, _serve_local, limits=replace(limits, concurrency=1, requests_per_minute=60_000.0)
        )
    model = _hosted(name, base_url, api_key)
    return GenerativeModel(name, prompt, lambda: nullcontext(model), limits=limits)


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
        # OpenAI's chat API returns log-probabilities; its responses API does not.
        chat = f"openai-chat:{model_name}" if provider_name == "openai" else name
        if api_key:
            return infer_model(chat, lambda provider: cast("Any", infer_provider_class(provider))(api_key=api_key))
        return infer_model(chat)
    except ImportError as error:
        raise ConfigurationError(f"{name} needs a package: {error}") from error
    except UserError as error:
        message = str(error).partition(" or pass it")[0]  # the rest is advice to programmers
        raise ConfigurationError(f"{name} cannot be used: {message}, or SKILLGAP_LLM_API_KEY") from error
    except (ValueError, TypeError) as error:
        raise ConfigurationError(f"{name} cannot be used: {masked_urls(str(error))}; {_NAMES}") from error


def _check_base_url(base_url: str) -> None:
    """Raise ConfigurationError for a URL whose parsing error would quote a part of a password."""
    try:
        _ = urlsplit(base_url).port
    except ValueError:
        raise ConfigurationError(
            f"{masked_url(base_url)}: not a base URL of a model's server; in a user name or a password "
            "write / as %2F, : as %3A, ? as %3F, # as %23 and @ as %40"
        ) from None


@contextmanager
def _serve_local() -> Iterator[Model]:
    """Serve the small model on a free port of 127.0.0.1 until the block ends."""
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
    del server  # stops it
