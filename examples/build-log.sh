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

exec 3> >(exec httpfstream append "$url")
appender=$!

# tee carries on with the terminal when the pipe's reader has gone.
"$@" 2>&1 3>&- | tee --output-error=warn-nopipe /dev/fd/3
status=${PIPESTATUS[0]}

# What is on its way still arrives.
exec 3>&-
wait "$appender"
exit "$status"
