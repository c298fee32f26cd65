#!/usr/bin/env bash
# make demo: from a fresh machine to a running application. The second run changes nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tools/setup.sh
. tools/setup.sh

skerry=("${as_root[@]}" --preserve-env .venv/bin/skerry)
[ "$(id -u)" != 0 ] || skerry=(.venv/bin/skerry)

# pick_port VARIABLE USUAL FIRST: keep the usual port, or the next free one and say so.
pick_port() {
  local variable=$1 usual=$2 port=$3 holder
  [ -z "${!variable:-}" ] || return 0
  holder=$("${as_root[@]}" ss -Hltnp "sport = :$usual" | grep -v '"envoy"' | head -n 1 || true)
  [ -n "$holder" ] || return 0
  while [ -n "$(ss -Hltn "sport = :$port")" ]; do port=$((port + 1)); done
  say "port $usual is taken by another program: using $port ($variable)"
  export "$variable=$port"
}

main() {
  local packages images
  mapfile -t packages < <(engine_packages | tr ' ' '\n')
  install_packages "${packages[@]}"
  make_venv ""
  images=(.venv/bin/python -m tools.images)
  [ "$(id -u)" = 0 ] || images=("${as_root[@]}" --preserve-env "${images[@]}")
  "${images[@]}"
  if ! "${skerry[@]}" status >/dev/null 2>&1; then
    pick_port SKERRY_HTTP_PORT 80 8080
    pick_port SKERRY_HTTPS_PORT 443 8443
  fi
  "${skerry[@]}" up examples/inspector
  farewell
}

farewell() {
  local url
  url=$("${skerry[@]}" status -o json | .venv/bin/python -c '
import json, sys
services = json.load(sys.stdin)["services"]
print(next((one["url"] for one in services if one["name"] == "api" and one["url"]), ""))')
  cat <<END

Running: ${url:-see skerry status}

Next:
  export PATH=$PWD/.venv/bin:\$PATH
  skerry trust                      the page above without a warning in the browser
  skerry status
  skerry logs sizer --follow        and, from another terminal, an image to look into:
    podman save --format oci-archive -o redis.tar localhost/skerry/base-redis
    skerry trust --print > ca.pem
    curl --cacert ca.pem --data-binary @redis.tar "${url%/}/archives?name=redis"
  skerry history api
  skerry down --volumes             removes all of it, its data too
END
}

main
