#!/usr/bin/env bash
# Installs those of the given Debian packages that are missing: scripts/debian.sh tmux curl
# Does not use the network if none is missing. Needs root, or sudo without a password, to install.
set -euo pipefail

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  echo "This is no Debian system; please see to it yourself that these are installed: $*" >&2
  exit 1
fi

missing=()
for package in "$@"; do
  status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" -eq 0 ]; then
  as_root=(env)
elif command -v sudo >/dev/null && sudo --non-interactive true 2>/dev/null; then
  as_root=(sudo env)
else
  echo "These Debian packages are missing: ${missing[*]}. Installing them needs root, or sudo without a password;" >&2
  echo "please run: apt-get install ${missing[*]}" >&2
  exit 1
fi

# Runs apt-get as root. Waits while another program holds one of apt's locks: apt-get itself waits for dpkg's only.
apt() {
  local errors told=""
  until errors=$("${as_root[@]}" LC_ALL=C DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" 2>&1 >/dev/null); do
    if [[ "$errors" != *"Could not get lock"* ]]; then
      echo "$errors" >&2
      exit 1
    fi
    [ -n "$told" ] || echo "Waiting for another program that holds apt's lock" >&2
    told=yes
    sleep 1
  done
}

echo "Installing Debian packages: ${missing[*]}" >&2
apt update
apt -o Dpkg::Use-Pty=0 install -y --no-install-recommends "${missing[@]}"
