#!/usr/bin/env bash
# Runs the integration test of the same name; arguments go to pytest.
set -euo pipefail
cd "$(dirname "$0")/.."
exec .venv/bin/python -m pytest tests/test_integration_api_load.py "$@"
