"""Skill levels derived by language models, for what O*NET's analysts have not rated."""
