# For the scripts beside this one: what stands in the arguments of a command every user of the machine can read, so passwords of URLs
# go there by the environment.

# Splits a URL: $bare without its password, $user and $password decoded, empty where it has none.
split_url() {
  bare="$1" user='' password=''
  [[ "$1" =~ ^([a-z+]+://)([^/?#@:]*)(:([^/?#]*))?@([^@]*)$ ]] || return 0
  user="$(url_decode "${BASH_REMATCH[2]}")" password="$(url_decode "${BASH_REMATCH[4]}")"
  bare="${BASH_REMATCH[1]}${BASH_REMATCH[5]}"
}

url_decode() { local text="${1//\\/\\\\}"; printf '%b' "${text//%/\\x}"; }

# Takes users and passwords out of DATABASE_URL and REDIS_URL: to where the tools look for them, and redis_user has the arguments for that of Redis.
hide_passwords() {
  split_url "$DATABASE_URL"
  DATABASE_URL="$bare"
  [[ -z "$user" ]] || export PGUSER="$user"
  [[ -z "$password" ]] || export PGPASSWORD="$password"
  split_url "$REDIS_URL"
  REDIS_URL="$bare" redis_user=()
  [[ -z "$user" ]] || redis_user=(--user "$user")
  [[ -z "$password" ]] || export REDISCLI_AUTH="$password"
}
