#!/usr/bin/env bash
# Puts a backup of ops/backup.sh back. Stop the API and the workers first; what is there now is replaced.
#
#   ops/restore.sh FOLDER              servers on this machine: DATABASE_URL, PGPASSWORD, REDIS_URL, REDIS_PASSWORD and
#                                      REDIS_KEY_PREFIX from the environment, or from .env
#   ops/restore.sh --compose FOLDER    the containers of docker-compose.yml
#
# Redis is stopped by SHUTDOWN and started by $REDIS_START (default: systemctl start redis-server), which must not be told where
# its files are in another way than before. What was cached is not put back: it may be older or newer than the database.
#
# The whole dump is read before anything is changed, into a file in $TMPDIR that is as large as the database, and PostgreSQL is
# emptied and filled in one transaction: where this ends with an error before "Redis: its files", everything is as it was.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/url-password.sh"

compose=false
if [[ "${1:-}" == --compose ]]; then compose=true; shift; fi
folder="${1:?usage: ops/restore.sh [--compose] FOLDER}"
[[ -s "$folder/postgres.dump" && -s "$folder/redis/dump.rdb" ]] || { echo "$folder is no backup" >&2; exit 2; }
from_env_file() { [[ -f .env ]] && sed -n "s/^$1=//p" .env | tail -n 1 | sed -E "s/^(['\"])(.*)\\1\$/\\2/" || true; }
prefix="${REDIS_KEY_PREFIX:-$(from_env_file REDIS_KEY_PREFIX)}"
prefix="${prefix:-aikademiya}"

if $compose; then
  cli() { docker compose exec -T redis redis-cli "$@"; }
  sql() { docker compose exec -T postgres psql -X -q -v ON_ERROR_STOP=1 -U aikademiya -d aikademiya "$@"; }
  dump() { docker compose exec -T postgres pg_restore "$@"; }
else
  DATABASE_URL="${DATABASE_URL:-$(from_env_file DATABASE_URL)}" REDIS_URL="${REDIS_URL:-$(from_env_file REDIS_URL)}"
  : "${DATABASE_URL:?set DATABASE_URL}" "${REDIS_URL:?set REDIS_URL}"
  # psql and redis-cli take these where the URL has no password.
  password="${PGPASSWORD:-$(from_env_file PGPASSWORD)}"
  [[ -z "$password" ]] || export PGPASSWORD="$password"
  password="${REDIS_PASSWORD:-$(from_env_file REDIS_PASSWORD)}"
  [[ -z "$password" ]] || export REDISCLI_AUTH="$password"
  hide_passwords
  cli() { redis-cli --no-auth-warning -u "$REDIS_URL" "${redis_user[@]}" "$@"; }
  sql() { psql -X -q -v ON_ERROR_STOP=1 "$DATABASE_URL" "$@"; }
  dump() { pg_restore "$@"; }
fi
setting() { cli CONFIG GET "$1" | tr -d '\r' | tail -n 1; }
up() { [[ "$(cli PING 2> /dev/null | tr -d '\r')" == PONG ]]; }

# Everything that could stop the restore half-way is looked at before anything is changed.
up || { echo 'Redis does not answer: it says where its files are, so start it first' >&2; exit 1; }
data="$(setting dir)" rdb="$(setting dbfilename)" aof="$(setting appenddirname)"
if [[ "$(setting appendonly)" == yes && ! -d "$folder/redis/appendonlydir" ]]; then
  echo 'the backup is of a Redis without AOF, this one has appendonly yes: it would start empty. Set appendonly no, start' >&2
  echo 'it, restore, and switch AOF on again with CONFIG SET appendonly yes' >&2
  exit 1
fi
$compose || [[ -w "$data" ]] || { echo "the files of Redis are in $data: not on this machine, or not writable" >&2; exit 1; }

echo 'PostgreSQL: the dump is read'
umask 077
script="$(mktemp)"
trap 'rm -f "$script"' EXIT
refuse() { echo "$1; nothing was changed" >&2; exit 1; }
contents="$(dump --list < "$folder/postgres.dump")" || refuse 'pg_restore cannot read the dump'
from="$(sed -n 's/^; *Dumped from database version: \([0-9]*\).*/\1/p' <<< "$contents")"
server="$(sql -At -c 'select current_setting($$server_version_num$$)::int / 10000')" || refuse 'PostgreSQL does not answer'
[[ "${from:-0}" -le "$server" ]] || refuse "the dump is of PostgreSQL $from, and the server is $server, which is older"
# The contents stand at the beginning, so that a dump has them also where its end is missing.
#
# As a script that begins a transaction and at its end commits it, and not with `psql -1`: that would commit what there is of
# a script whose end does not arrive. Its own `begin` is then one too many, which is only a warning.
{
  # What pg_restore cannot drop by itself: pg-boss has partitions. Who still works on the tables is not waited for for ever.
  echo "begin; set client_min_messages = error; set lock_timeout = '30s';"
  echo 'drop schema if exists public, pgboss cascade; create schema public;'
  dump --no-owner --single-transaction -f - < "$folder/postgres.dump" && echo '\echo committed'
} > "$script" || refuse 'the dump is not whole'

echo 'PostgreSQL: emptied and filled in one transaction'
[[ "$(sql -o /dev/null -f - < "$script" | tail -n 1)" == committed ]] || refuse 'PostgreSQL did not take the dump'

echo 'Redis: its files are replaced'
if $compose; then
  docker compose stop redis
  docker compose run --rm --no-deps -T --entrypoint sh redis -c "rm -rf '$data/$aof' '$data/$rdb'"
  docker compose cp "$folder/redis/dump.rdb" "redis:$data/$rdb"
  [[ -d "$folder/redis/appendonlydir" ]] && docker compose cp "$folder/redis/appendonlydir" "redis:$data/$aof"
  docker compose run --rm --no-deps -T --user root --entrypoint sh redis -c "chown -R redis:redis '$data'"
  docker compose start redis
else
  cli SHUTDOWN NOSAVE || true
  if up; then echo 'Redis would not shut down: see its ACL' >&2; exit 1; fi
  rm -rf "${data:?}/$aof" "${data:?}/$rdb"
  cp -a "$folder/redis/dump.rdb" "$data/$rdb"
  if [[ -d "$folder/redis/appendonlydir" ]]; then cp -a "$folder/redis/appendonlydir" "$data/$aof"; fi
  chown -R --reference="$data" "$data" 2> /dev/null || true
  eval "${REDIS_START:-systemctl start redis-server}" || {
    echo 'Redis has its files, but was not started: start it, and run "npm run clear-cache -- --all --yes"' >&2
    exit 1
  }
fi
for _ in $(seq 120); do up && break; sleep 0.5; done
up || { echo 'Redis did not come back: see its log' >&2; exit 1; }

echo 'Redis: cached data is cleared'
# Keys of ours have no character that would need quoting (src/cache/keys.ts).
for kind in course user api generation stats tag lock; do
  cli --scan --pattern "$prefix:$kind:*" | tr -d '\r' | grep -E '^[A-Za-z0-9:_.-]+$' | sed 's/^/UNLINK /' || true
done | cli > /dev/null
# Which database it caches is for the next start to say.
cli UNLINK "$prefix:store" > /dev/null
echo "restored: $(cli DBSIZE | tr -d '\r') keys in Redis; start the API and the workers"
