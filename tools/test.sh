#!/usr/bin/env bash
# make test: formatter, linter, types, import contracts, then every test. With "soak": only
# the long proofs, at their full counts.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tools/setup.sh
. tools/setup.sh
exec </dev/null

mapfile -t engine < <(engine_packages | tr ' ' '\n')

# What is missing and cannot be installed leaves tests out; the summary names them.
prepare() {
  if is_debian && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }; then
    (install_packages "${engine[@]}" redis-server postgresql git shellcheck openssl curl gcc libc6-dev musl-tools) || true
  fi
  make_venv dev
}

check() {
  say "== $1"
  shift
  "$@"
}

# Two lanes side by side, for the tests of one mostly wait for containers and those of the other
# compute. The first lane's words are shown when both have ended.
run_tests() {
  local status=0
  said=$(mktemp)
  .venv/bin/pytest -q -p no:cacheprovider -m "engine or gateway" >"$said" 2>&1 &
  lane=$!
  trap 'kill "$lane" 2>/dev/null || true; wait "$lane" || true; rm -f "$said"' EXIT
  .venv/bin/pytest -q -p no:cacheprovider -m "not engine and not gateway" || status=$?
  say "== tests with containers"
  wait "$lane" || status=$?
  cat "$said"
  return "$status"
}

main() {
  prepare
  if [ "${1:-}" = soak ]; then
    SKERRY_SOAK=1 exec .venv/bin/pytest -m soak --timeout=0
  fi
  check "format" .venv/bin/ruff format --check --quiet .
  check "lint" .venv/bin/ruff check --quiet .
  check "types" .venv/bin/mypy
  MYPYPATH=src:. check "types of tools" .venv/bin/mypy -p tools
  MYPYPATH=examples/inspector/app check "types of the inspector" .venv/bin/mypy -p inspector
  check "import contracts" .venv/bin/lint-imports --no-logo
  if command -v shellcheck >/dev/null; then
    check "shell" shellcheck -x tools/*.sh .ci/run
  fi
  check "tests" run_tests
}

main "$@"
