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
