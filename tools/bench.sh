#!/usr/bin/env bash
# make bench: every bench/*.py that measures something, one after the other.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tools/setup.sh
. tools/setup.sh
exec </dev/null

mapfile -t engine < <(engine_packages | tr ' ' '\n')
install_packages "${engine[@]}" wrk
make_venv dev,bench
failed=()
for bench in bench/*.py; do
  grep -q '^if __name__ == "__main__":' "$bench" || continue
  say "== $bench"
  .venv/bin/python -m "bench.$(basename "$bench" .py)" || failed+=("$bench")
done
[ ${#failed[@]} -eq 0 ] || stop "these did not end well: ${failed[*]}"
