"""Run docs/example.ipynb and save its output (`make notebook`), or print it if the argument is `-`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[1] / "docs" / "example.ipynb"


def run(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Run every cell in an empty folder and return the notebook with its output. Raises CellExecutionError."""
    with tempfile.TemporaryDirectory() as folder:
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
