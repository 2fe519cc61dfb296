#!/usr/bin/env bash
# fuzz.sh TIME: runs every fuzz target of the module for TIME, one after the other.
set -euo pipefail
cd "$(dirname "$0")/../.."
grep -rlE '^func Fuzz[A-Z]' --include='*_test.go' . | while read -r file; do
  pkg=./$(dirname "${file#./}")
  for target in $(sed -nE 's/^func (Fuzz[A-Za-z0-9_]*)\(.*/\1/p' "$file"); do
    echo "== $pkg $target"
    go test -run '^$' -fuzz "^${target}\$" -fuzztime "$1" "$pkg"
  done
done
