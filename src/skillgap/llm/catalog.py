"""Find a model by its name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from skillgap.extras import needs

if TYPE_CHECKING:
    from skillgap.llm.embedded import EmbeddedProfiler
    from skillgap.llm.encoder import OnText
    from skillgap.llm.generative.model import GenerativeModel


def find_model(
    name: str,
    *,
    cache_dir: Path,
    prompt_version: str = "levels-1",
    base_url: str | None = None,
    api_key: str | None = None,
    on_text: OnText | None = None,
    **limits: Any,
) -> EmbeddedProfiler | GenerativeModel:
    """Return the model named `embedded:…` or `provider:model`. Sends no request.

    `limits` are the fields of `llm.generative.requests.Limits`. Raises ConfigurationError.
    """
    with needs("llm"):
        from skillgap.llm.embedded import find_embedded
        from skillgap.llm.generative.providers import find_generative
        from skillgap.llm.generative.requests import Limits
    if name.startswith("embedded:"):
        return find_embedded(name, cache_dir=cache_dir, on_text=on_text)
    return find_generative(
        name, prompt_version=prompt_version, base_url=base_url, api_key=api_key, limits=Limits(**limits)
    )
