#!/usr/bin/env bash
# Backs up PostgreSQL and Redis into a new folder, while they run:
#
#   DATABASE_URL=... REDIS_URL=... ops/backup.sh FOLDER      servers on this machine (Redis's files are copied), with PGPASSWORD
#                                            and REDIS_PASSWORD where the URLs have no passwords; of a Redis of its own for
#                                            sessions (REDIS_SESSION_URL), run it with that as REDIS_URL, too
#   ops/backup.sh --compose FOLDER                           the containers of docker-compose.yml
#
# FOLDER then has postgres.dump (pg_dump, custom format), redis/dump.rdb, and redis/appendonlydir where Redis keeps an AOF.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/url-password.sh"

compose=false
if [[ "${1:-}" == --compose ]]; then compose=true; shift; fi
folder="${1:?usage: ops/backup.sh [--compose] FOLDER}"
[[ -e "$folder" ]] && { echo "$folder exists already" >&2; exit 2; }

if $compose; then
  cli() { docker compose exec -T redis redis-cli "$@"; }
  dump() { docker compose exec -T postgres pg_dump -U aikademiya -Fc aikademiya; }
  fetch() { docker compose cp "redis:$1" "$2"; }
else
  : "${DATABASE_URL:?set DATABASE_URL}" "${REDIS_URL:?set REDIS_URL}"
  [[ -z "${REDIS_PASSWORD:-}" ]] || export REDISCLI_AUTH="$REDIS_PASSWORD"
  hide_passwords
  cli() { redis-cli --no-auth-warning -u "$REDIS_URL" "${redis_user[@]}" "$@"; }
  dump() { pg_dump -Fc "$DATABASE_URL"; }
  fetch() { cp -a "$1" "$2"; }
fi
# What Redis answers ends its lines as the protocol does.
info() { cli INFO persistence | tr -d '\r' | sed -n "s/^$1://p"; }
setting() { cli CONFIG GET "$1" | tr -d '\r' | tail -n 1; }
wait_for() { for _ in $(seq 600); do "$@" && return; sleep 0.5; done; echo "gave up waiting: $*" >&2; exit 1; }

umask 077
draft="$folder.unfinished"
rm -rf "$draft"
mkdir -p "$draft/redis"
echo 'PostgreSQL: pg_dump'
dump > "$draft/postgres.dump"

echo 'Redis: BGSAVE'
before="$(cli LASTSAVE)"
sleep 1.1 # LASTSAVE counts seconds: the next one must differ
cli BGSAVE SCHEDULE > /dev/null
saved() { [[ "$(cli LASTSAVE)" != "$before" && "$(info rdb_bgsave_in_progress)" == 0 ]]; }
wait_for saved
[[ "$(info rdb_last_bgsave_status)" == ok ]] || { echo 'BGSAVE failed: see the log of Redis' >&2; exit 1; }
data="$(setting dir)"
fetch "$data/$(setting dbfilename)" "$draft/redis/dump.rdb"

if [[ "$(info aof_enabled)" == 1 ]]; then
  echo 'Redis: AOF'
  # While its files are copied none of them may be replaced by a rewrite.
  percentage="$(setting auto-aof-rewrite-percentage)"
  trap 'cli CONFIG SET auto-aof-rewrite-percentage "$percentage" > /dev/null' EXIT
  cli CONFIG SET auto-aof-rewrite-percentage 0 > /dev/null
  rewritten() { [[ "$(info aof_rewrite_in_progress)" == 0 && "$(info aof_rewrite_scheduled)" == 0 ]]; }
  wait_for rewritten
  fetch "$data/$(setting appenddirname)" "$draft/redis/appendonlydir"
fi
mv "$draft" "$folder"
du -sh "$folder"
