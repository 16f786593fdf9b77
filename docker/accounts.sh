#!/bin/bash
# Run by MySQL's image when it makes its data directory: one account that writes, one that reads.
for socket in /run/mysqld/*.sock /var/run/mysqld/*.sock; do
  [[ -S $socket && $socket != *mysqlx* ]] && break
done
# The password comes from a file of options: arguments are seen by all processes.
mysql --defaults-extra-file=<(printf '[client]\nuser=root\npassword=%s\n' "$MYSQL_ROOT_PASSWORD") --socket="$socket" <<SQL
CREATE USER skillgap_etl@'%' IDENTIFIED BY '$(cat /passwords/etl/skillgap_database_password)';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, REFERENCES, CREATE VIEW, SHOW VIEW,
  CREATE TEMPORARY TABLES ON skillgap.* TO skillgap_etl@'%';
CREATE USER skillgap_api@'%' IDENTIFIED BY '$(cat /passwords/api/skillgap_database_password)';
GRANT SELECT ON skillgap.* TO skillgap_api@'%';
SQL
