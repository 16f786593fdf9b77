#!/bin/sh
# Generates the passwords of the database accounts once, each in a volume that only its users mount.
set -eu
for account in root etl api; do
  file=/passwords/$account/skillgap_database_password
  if [ ! -s "$file" ]; then
    head -c 24 /dev/urandom | od -An -v -tx1 | tr -d ' \n' >"$file.new"
    chmod 0444 "$file.new"
    mv "$file.new" "$file"
    echo "generated a password for $account"
  fi
done
