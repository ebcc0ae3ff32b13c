#!/usr/bin/env bash
# Puts a backup of ops/backup.sh back. Stop the API and the workers first; what is there now is replaced.
#
#   DATABASE_URL=... REDIS_URL=... ops/restore.sh FOLDER     servers on this machine
#   ops/restore.sh --compose FOLDER                          the containers of docker-compose.yml
#
# Redis is stopped by SHUTDOWN and started by $REDIS_START (systemctl start redis-server). What was cached is not put back:
# it may be older or newer than the database.
set -euo pipefail

compose=false
if [[ "${1:-}" == --compose ]]; then compose=true; shift; fi
folder="${1:?usage: ops/restore.sh [--compose] FOLDER}"
prefix="${REDIS_KEY_PREFIX:-aikademiya}"
[[ -s "$folder/postgres.dump" && -s "$folder/redis/dump.rdb" ]] || { echo "$folder is no backup" >&2; exit 2; }

flags=(--clean --if-exists --no-owner --single-transaction --exit-on-error)
if $compose; then
  cli() { docker compose exec -T redis redis-cli "$@"; }
  restore() { docker compose exec -T postgres pg_restore -U aikademiya -d aikademiya "${flags[@]}"; }
else
  : "${DATABASE_URL:?set DATABASE_URL}" "${REDIS_URL:?set REDIS_URL}"
  cli() { redis-cli --no-auth-warning -u "$REDIS_URL" "$@"; }
  restore() { pg_restore -d "$DATABASE_URL" "${flags[@]}"; }
fi
setting() { cli CONFIG GET "$1" | tr -d '\r' | tail -n 1; }
up() { [[ "$(cli PING 2> /dev/null | tr -d '\r')" == PONG ]]; }

echo 'PostgreSQL: pg_restore'
restore < "$folder/postgres.dump"

echo 'Redis: its files are replaced'
data="$(setting dir)" rdb="$(setting dbfilename)" aof="$(setting appenddirname)"
if $compose; then
  docker compose stop redis
  docker compose run --rm --no-deps -T --entrypoint sh redis -c "rm -rf '$data/$aof' '$data/$rdb'"
  docker compose cp "$folder/redis/dump.rdb" "redis:$data/$rdb"
  [[ -d "$folder/redis/appendonlydir" ]] && docker compose cp "$folder/redis/appendonlydir" "redis:$data/$aof"
  docker compose run --rm --no-deps -T --user root --entrypoint sh redis -c "chown -R redis:redis '$data'"
  docker compose start redis
else
  cli SHUTDOWN NOSAVE || true
  rm -rf "${data:?}/$aof" "${data:?}/$rdb"
  cp -a "$folder/redis/dump.rdb" "$data/$rdb"
  [[ -d "$folder/redis/appendonlydir" ]] && cp -a "$folder/redis/appendonlydir" "$data/$aof"
  chown -R --reference="$data" "$data" 2> /dev/null || true
  eval "${REDIS_START:-systemctl start redis-server}"
fi
for _ in $(seq 120); do up && break; sleep 0.5; done
up || { echo 'Redis did not come back: see its log' >&2; exit 1; }

echo 'Redis: cached data is cleared'
for kind in course user api generation stats tag lock; do
  cli --scan --pattern "$prefix:$kind:*" | while IFS= read -r key; do printf 'UNLINK "%s"\n' "$key"; done
done | cli > /dev/null
echo "restored: $(cli DBSIZE | tr -d '\r') keys in Redis; start the API and the workers"
