"""The demonstration of `make demo-api`: an empty database filled from the stand-in of O*NET Web Services."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from skillgap.sources.releases import find_release
from skillgap.sources.text_files import extract_onet_data
from skillgap.testing.fake_onet_api import KEY, FakeOnetApi, FakeTables

COMMANDS = (
    ("fetch",),
    ("fetch", "--occupation", "15-1252.00", "--dry-run"),
    ("status",),
    ("gap", "29-1141.00", "11-9111.00"),
)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        tables = FakeTables(extract_onet_data(find_release("starter", cache_dir=Path(folder))))
        with FakeOnetApi(tables) as server:
            print(f"  a stand-in of O*NET Web Services on {server.url}, with O*NET {tables.release.number}")
            environment = {
                **os.environ,
                "SKILLGAP_DATABASE_URL": f"sqlite:///{folder}/skillgap.db",
                "SKILLGAP_CACHE_DIR": folder,
                "SKILLGAP_ONET_API_URL": server.url,
                "SKILLGAP_ONET_API_KEY": KEY,
            }
            for command in COMMANDS:
                print(f"$ skillgap {' '.join(command)}", flush=True)
                subprocess.run([sys.executable, "-m", "skillgap", *command], env=environment, check=True)


if __name__ == "__main__":
    main()
