#!/bin/bash
# Runs tests inside the stack on its MySQL server, each in a new schema that is dropped afterwards.
set -euo pipefail
export SKILLGAP_TEST_MYSQL_URL="mysql+pymysql://root:$(</run/secrets/skillgap_database_password)@db"
exec python -m pytest -p no:cacheprovider "$@"
