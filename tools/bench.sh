#!/usr/bin/env bash
# make bench: every bench/*.py that measures something, one after the other.
# make bench-kubernetes: those in bench/kubernetes, against API servers of their own.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tools/setup.sh
. tools/setup.sh
exec </dev/null

folder=bench${1:+/$1}
if [ "$folder" = bench ]; then
  mapfile -t engine < <(engine_packages | tr ' ' '\n')
  install_packages "${engine[@]}" wrk
else
  assets=${KUBEBUILDER_ASSETS:-/usr/local/kubebuilder/bin}
  for program in kube-apiserver etcd kubectl; do
    [ -x "$assets/$program" ] || command -v "$program" >/dev/null ||
      stop "no $program in $assets (KUBEBUILDER_ASSETS)"
  done
fi
make_venv dev,bench
failed=()
for bench in "$folder"/*.py; do
  grep -q '^if __name__ == "__main__":' "$bench" || continue
  say "== $bench"
  module=${bench%.py}
  .venv/bin/python -m "${module//\//.}" || failed+=("$bench")
done
[ ${#failed[@]} -eq 0 ] || stop "these did not end well: ${failed[*]}"
