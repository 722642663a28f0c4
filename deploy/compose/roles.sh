#!/usr/bin/env bash
# Makes the two roles in a new cluster: the owner of the schema, and the one that the servers use. The image of PostgreSQL runs it once.
set -euo pipefail

# a quote in a password would end the literal
secret() { sed "s/'/''/g" "/run/secrets/$1"; }

# on standard input, so that no password is an argument that others on the machine see
psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname="$POSTGRES_DB" <<SQL
SET log_statement = 'none';
SET log_min_error_statement = 'panic';
CREATE ROLE abstractor_owner LOGIN PASSWORD '$(secret owner.password)';
CREATE ROLE abstractor LOGIN PASSWORD '$(secret database.password)';
REVOKE ALL ON DATABASE "$POSTGRES_DB" FROM PUBLIC;
GRANT CONNECT ON DATABASE "$POSTGRES_DB" TO abstractor_owner, abstractor;
GRANT USAGE, CREATE ON SCHEMA public TO abstractor_owner;
GRANT USAGE ON SCHEMA public TO abstractor;
SQL
