"""Versioned prompts. A changed text is a new version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from string import Template

from skillgap.analysis.similarity.profiles import Profile
from skillgap.errors import ConfigurationError
from skillgap.llm.training_data import Skill

_MAX_TASKS = 15


@dataclass(frozen=True)
class Prompt:
    """A version of the prompt."""

    version: str
    instructions: str
    template: str

    @property
    def is_digit(self) -> bool:
        """Whether a request is for one skill and one digit, instead of all skills as JSON."""
        return self.version.startswith("digit-")

    def text(self, profile: Profile, skills: Sequence[Skill]) -> str:
        """Return the request for some skills of an occupation. It contains no rating."""
        return Template(self.template).substitute(
            title=profile.title,
            description=profile.description,
            tasks="\n".join(f"- {task}" for task in profile.tasks[:_MAX_TASKS]) or "(not known)",
            skills="\n".join(_describe(skill) for skill in skills),
        )


def read_prompt(version: str) -> Prompt:
    """Return a prompt of this package. Raises ConfigurationError."""
    folder = files("skillgap.llm.generative") / "prompts"
    versions = sorted(file.name.removesuffix(".md") for file in folder.iterdir() if file.name.endswith(".md"))
    if version not in versions:
        raise ConfigurationError(f"no prompt {version}; available prompts: {', '.join(versions)}")
    instructions, _, template = (folder / f"{version}.md").read_text().partition("\n---\n")
    return Prompt(version, instructions, template)


def _describe(skill: Skill) -> str:
    anchors = "; ".join(f"{level}: {example}" for level, example in skill.anchors)
    description = f"{skill.element_id} {skill.name}: {skill.description}".removesuffix(": ")
    return f"{description} ({anchors})" if anchors else description
