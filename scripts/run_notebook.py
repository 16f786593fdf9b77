"""Run docs/example.ipynb and store the output of its cells (`make notebook`); with `-`, print the notebook instead."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[1] / "docs" / "example.ipynb"


def run(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return the notebook after running every cell in an empty folder and an empty home. Raises CellExecutionError."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ.pop("SKILLGAP_DATABASE_URL", None)
        os.environ.update(HOME=folder, XDG_DATA_HOME=folder, XDG_CACHE_HOME=folder)  # its embedded database is new
        client = NotebookClient(
            notebook, timeout=120, kernel_name="python3", record_timing=False, resources={"metadata": {"path": folder}}
        )
        done = client.execute()
    done.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return done


if __name__ == "__main__":
    done = run(nbformat.read(NOTEBOOK, as_version=4))
    nbformat.write(done, sys.stdout if sys.argv[1:] == ["-"] else NOTEBOOK)
