#!/usr/bin/env bash
# Runs a command, shows its output, and lets others watch it:
#
#     examples/build-log.sh http://127.0.0.1:8080/build/42.log make -j4
#
# Its exit code is the command's. A log server that is away, or goes away, does not disturb the command.
set -uo pipefail

if [ $# -lt 2 ]; then
  echo "Usage: $0 URL COMMAND [ARGUMENT ...]" >&2
  exit 2
fi
url=$1
shift

# tee writes to the terminal and into the pipe, and carries on with the terminal when the pipe's reader has gone.
"$@" 2>&1 | tee --output-error=warn-nopipe /dev/stderr | httpfstream append "$url"
exit "${PIPESTATUS[0]}"
