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
  check "tests" .venv/bin/pytest -q
}

main "$@"
