#!/usr/bin/env bash
# Restores a backup made by ops/backup.sh: `npm run restore`, from any folder, with the same arguments (docs/backup.md).
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
if [[ "${1:-}" == --compose ]]; then
  echo 'for containers: docker compose run --rm backup src/cli/restore.ts /backups/NAME' >&2
  exit 2
fi
exec "$root/node_modules/.bin/node" --import="$root/src/config/env-file.ts" "$root/src/cli/restore.ts" "$@"
