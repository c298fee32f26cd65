# What make demo and make test share: this machine made ready. Sourced by bash, from the root
# of the repository.
# shellcheck shell=bash

as_root=()
[ "$(id -u)" = 0 ] || as_root=(sudo)

say() { printf '%s\n' "$*"; }
stop() { printf 'error: %s\n' "$*" >&2; exit 1; }

# The packages a machine must have to run containers as Skerry wants them.
engine_packages() {
  echo podman netavark aardvark-dns iproute2 iptables catatonit
  # Old and hybrid control groups are runc's: crun refuses to limit memory there.
  if [ -e /sys/fs/cgroup/cgroup.controllers ]; then echo crun; else echo runc; fi
}

is_debian() { command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; }

missing_packages() {
  local package
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null)" = "ii " ] || echo "$package"
  done
}

# install_packages NAME...: those of them that are missing.
install_packages() {
  local missing
  is_debian || stop "this is not Debian or Ubuntu: install these yourself: $*"
  mapfile -t missing < <(missing_packages "$@")
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
    stop "missing, and neither root nor sudo is here to install them: ${missing[*]}"
  fi
  say "installing: ${missing[*]}"
  apt_install "${missing[@]}" 2>/dev/null ||
    { apt_get update && apt_install "${missing[@]}"; } ||
    stop "apt could not install: ${missing[*]}"
}

apt_get() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 \
    -o Acquire::Retries=3 "$@" </dev/null >/dev/null
}

apt_install() { apt_get install -y --no-install-recommends "$@"; }

# The newest Python from 3.11 on that is here; fails without one.
find_python() {
  local name
  for name in python3.14 python3.13 python3.12 python3.11 python3; do
    if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$name"
      return
    fi
  done
  return 1
}

# make_venv EXTRAS: .venv with Skerry and these extras, when pyproject.toml has changed.
make_venv() {
  local python want
  want=$(cat pyproject.toml tools/setup.sh | sha256sum)
  # One made with more extras will do.
  if [ -x .venv/bin/skerry ] && grep -qsFx "$want" ".venv/.made-for-$1"*; then return 0; fi
  if ! python=$(find_python); then
    install_packages python3 python3-venv
    python=$(find_python) || stop "Python 3.11 or newer is needed; this system has $(python3 -V)"
  fi
  if ! "$python" -c 'import ensurepip' 2>/dev/null; then
    install_packages python3-venv
    "$python" -c 'import ensurepip' 2>/dev/null || stop "$python has no venv: install it"
  fi
  say "installing Skerry into .venv"
  [ -x .venv/bin/python ] || "$python" -m venv .venv
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable ".${1:+[$1]}" \
    </dev/null &>.venv/pip.log || { tail -n 20 .venv/pip.log >&2; stop "pip could not install Skerry"; }
  printf '%s\n' "$want" >".venv/.made-for-$1"
}
