#!/bin/bash
# fetch.sh [DIR]: unpacks Debian's rsyslog and syslog-ng below DIR (default: the user's cache), so that bench/e2e can run
# them. The two packages exclude each other on one system, and nothing of the system is touched: packages and those of
# their libraries that are not installed are downloaded by apt and unpacked side by side.
set -euo pipefail
dir=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/millrace-bench/peers}
packages=(rsyslog rsyslog-elasticsearch syslog-ng-core syslog-ng-mod-http)
mkdir -p "$dir/debs" "$dir/root"
cd "$dir/debs"
for package in "${packages[@]}"; do
  apt-get install -y -q --no-install-recommends --print-uris "$package" | sed -n "s/^'[^']*' \([^_]*\)_.*/\1/p"
done | sort -u | while read -r package; do
  ls "$package"_*.deb >/dev/null 2>&1 || apt-get download -q "$package"
done
for package in "${packages[@]}"; do # installed already: apt prints no address, but the files are needed here too
  ls "$package"_*.deb >/dev/null 2>&1 || apt-get download -q "$package"
done
for deb in *.deb; do dpkg-deb -x "$deb" "$dir/root"; done
echo "$dir"
