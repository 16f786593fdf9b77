"""Requests, tokens and cost of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelResponse


@dataclass
class Usage:
    """Requests, tokens and cost of a run."""

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0
    """None for a model without a known price."""

    @property
    def tokens(self) -> int:
        """Input and output tokens."""
        return self.input_tokens + self.output_tokens

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
