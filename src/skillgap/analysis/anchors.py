"""Level anchors: O*NET's examples that illustrate levels."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise, starmap
from typing import NamedTuple

from skillgap.models import Anchor, LevelAnchors


class AnchorScale(NamedTuple):
    """The anchor levels of one element, ascending, and the pair of anchors around each interval between them."""

    values: list[int]
    around: list[LevelAnchors]

    @classmethod
    def of(cls, anchors: Sequence[Anchor]) -> AnchorScale:
        """Return the scale of an element's anchors, given with levels ascending."""
        return cls(
            [anchor.anchor_value for anchor in anchors], [*starmap(LevelAnchors, pairwise((None, *anchors, None)))]
        )

    def around_level(self, level: float) -> LevelAnchors | None:
        """Return the anchors around a level; None if the level is missing (NaN) or no anchors are loaded."""
        if not self.values or math.isnan(level):
            return None
        return self.around[bisect_right(self.values, level)]
