#!/usr/bin/env bash
# Backs up PostgreSQL and the sessions in Redis while they run: `npm run backup`, from any folder, with the same arguments
# (docs/backup.md).
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
if [[ "${1:-}" == --compose ]]; then
  echo 'for containers: docker compose run --rm backup' >&2
  exit 2
fi
exec "$root/node_modules/.bin/node" --import="$root/src/config/env-file.ts" "$root/src/cli/backup.ts" "$@"
