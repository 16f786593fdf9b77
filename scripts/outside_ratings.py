"""Write benchmarks/outside_ratings.csv: analysts' levels of occupations that O*NET 29.0 has not rated.

    python scripts/outside_ratings.py PREDECESSORS FIRST_RATED

PREDECESSORS has the levels of the O*NET-SOC 2010 occupations from which the unrated ones were formed (release 23.x;
`same` job or `broader`), FIRST_RATED those of occupations that O*NET 30.0 rated for the first time. One line per
occupation, one column per skill. The figures are facts of O*NET (USDOL/ETA, CC BY 4.0).
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

OUT = Path(__file__).parents[1] / "benchmarks" / "outside_ratings.csv"


def main() -> None:
    predecessors, first_rated = (pd.read_csv(path, dtype={"onet_soc_code": str}) for path in sys.argv[1:3])
    rows = pd.concat([predecessors, first_rated.assign(relation="first rated")])
    key = ["relation", "onet_soc_code"]
    table = rows.groupby([*key, "element_id"])["level"].mean().unstack()  # several predecessors: their mean
    table.round(3).to_csv(OUT, lineterminator="\n")


if __name__ == "__main__":
    main()
