#!/usr/bin/env bash
# Runs a command, shows its output, and appends the output to a URL, where others can follow it:
#
#     examples/build-log.sh http://127.0.0.1:8080/build/42.log make -j4
#
# The exit code is that of the command. The command continues even if the server can't be reached or fails.
set -uo pipefail

if [ $# -lt 2 ]; then
  echo "Usage: $0 URL COMMAND [ARGUMENT ...]" >&2
  exit 2
fi
url=$1
shift

exec 3> >(exec httpfstream append "$url")
appender=$!

# tee continues to write to the terminal after the reader of the pipe has exited.
"$@" 2>&1 3>&- | tee --output-error=warn-nopipe /dev/fd/3
status=${PIPESTATUS[0]}

# Wait until the rest has arrived.
exec 3>&-
wait "$appender"
exit "$status"
