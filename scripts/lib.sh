# shellcheck shell=bash
# What the set-up scripts share: where tools are kept, and how a failure is said.
# Tools live outside the tree, by name and version: $PHOENIX_CACHE/tools/NAME/VERSION/NAME.

set -euo pipefail

REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
CACHE=${PHOENIX_CACHE:-${XDG_CACHE_HOME:-${HOME:?HOME is not set}/.cache}/phoenix-gitops}
export REPO CACHE

say() { printf '%s\n' "$*" >&2; }

die() {
  say "error: $1"
  shift
  for line in "$@"; do say "  $line"; done
  exit 2
}

# at_least HAVE WANT: whether a dotted version is not older than another.
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }
