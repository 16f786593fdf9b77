#!/usr/bin/env bash
# Runs the integration test of the same name; with --compose, inside the running stack.
exec "$(dirname "$0")/integration.sh" test_integration_mysql_load "$@"
