#!/bin/bash
# Creates one account that writes and one that reads. MySQL's image runs this when it initializes its data directory.
for socket in /run/mysqld/*.sock /var/run/mysqld/*.sock; do
  [[ -S $socket && $socket != *mysqlx* ]] && break
done
# The password is passed in an option file, because every process can see arguments.
mysql --defaults-extra-file=<(printf '[client]\nuser=root\npassword=%s\n' "$MYSQL_ROOT_PASSWORD") --socket="$socket" <<SQL
CREATE USER skillgap_etl@'%' IDENTIFIED BY '$(cat /passwords/etl/skillgap_database_password)';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, REFERENCES, CREATE VIEW, SHOW VIEW,
  CREATE TEMPORARY TABLES ON skillgap.* TO skillgap_etl@'%';
CREATE USER skillgap_api@'%' IDENTIFIED BY '$(cat /passwords/api/skillgap_database_password)';
GRANT SELECT ON skillgap.* TO skillgap_api@'%';
SQL
