#!/usr/bin/env bash
# integration.sh TEST [--compose] [PYTEST ARGUMENTS]: runs an integration test here, or inside the running stack of
# docker-compose.yml, in a container beside it and on its MySQL server.
set -euo pipefail
cd "$(dirname "$0")/.."
test=tests/$1.py
shift
if [ "${1:-}" = --compose ]; then
  exec docker compose --profile tests run --rm tests "$test" "${@:2}"
fi
exec .venv/bin/python -m pytest "$test" "$@"
