"""Write src/skillgap/onet/soc_2010_to_2019.csv: the codes of O*NET-SOC 2010 and their successors of 2019.

    python scripts/crosswalk_2010_to_2019.py TABLE

TABLE is the crosswalk of the National Center for O*NET Development (CC BY 4.0), separated by semicolons, with the
columns `soc2010_code` and `soc2019_code`. Only the codes are kept, as facts.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

OUT = Path(__file__).parents[1] / "src" / "skillgap" / "onet" / "soc_2010_to_2019.csv"


def main() -> None:
    table = pd.read_csv(sys.argv[1], sep=";", encoding="utf-8-sig", dtype=str)
    codes = (
        table[["soc2010_code", "soc2019_code"]].dropna().drop_duplicates().sort_values(["soc2010_code", "soc2019_code"])
    )
    codes.columns = ["code_2010", "code_2019"]
    codes.to_csv(OUT, index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
