"""Print the results of `make faults` as the table of docs/reliability.md."""

from __future__ import annotations

import json
import sys
from pathlib import Path

print("| fault | extent | result |")
print("|---|---|---|")
for line in Path(sys.argv[1]).read_text().splitlines():
    print(f"| {' | '.join(json.loads(line))} |")
