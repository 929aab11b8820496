#!/usr/bin/env bash
# Builds once and runs the suite.
#   ./test             all but the tests of size Long
#   ./test --quick     only what takes less than two seconds each
#   ./test --long      everything; for the night
#   ./test [size] WORD only tests whose full name holds WORD, e.g. ./test Tidy
# NARU_SEED=N repeats a failure of a seeded test. The last line is `N passed, N failed[, N skipped]`.
set -euo pipefail

root="$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)"
command_name=./test
. "$root/eng/toolchain.sh"

usage() {
  sed -n '2,7s/^# \{0,1\}//p' "$root/eng/run-tests.sh"
  exit "$1"
}

# Seconds without any test finishing after which the tests that run are named and the suite is stopped.
silence_max=300
size=default
words=()
for argument in "$@"; do
  case "$argument" in
    --quick) size=quick ;;
    --long) size=long silence_max=7200 ;;
    -h | --help) usage 0 ;;
    -*)
      echo "./test: no such option '$argument'" >&2
      usage 2 >&2
      ;;
    *) words+=(-method "*$argument*") ;;
  esac
done
case "$size" in
  quick) words+=(-trait- Size=Slow -trait- Size=Long) ;;
  default) words+=(-trait- Size=Long) ;;
esac

build tests tests/Naru.Tests/Naru.Tests.csproj "${program_inputs[@]}" "$root/tests"
touch -r "$stamps/tests" "$stamps/naru"
require_dotnet

log="$stamps/tests.out"
cd "$root"
set -m
"artifacts/bin/Naru.Tests/$configuration/Naru.Tests" -noLogo -noColor -longRunning 60 "${words[@]}" >"$log" 2>&1 &
runner=$!
set +m
trap 'kill -KILL -- -$runner 2>/dev/null' EXIT
trap 'exit 130' INT TERM
tail -n +1 -f --pid=$runner "$log" | grep --line-buffered -vE '^ +(Discovering|Discovered|Starting|Finished): |^=== TEST|^ +Naru.Tests  Total' &
printer=$!

hung=
while kill -0 $runner 2>/dev/null; do
  sleep 0.2
  line="$(tail -n 3 "$log" | grep -oE "Long Running Test\] '.*', Elapsed: [0-9:.]+" | tail -n 1 || true)"
  [ -n "$line" ] || continue
  elapsed="${line##*Elapsed: }"
  IFS=:. read -r hours minutes seconds _ <<<"$elapsed"
  if ((10#$hours * 3600 + 10#$minutes * 60 + 10#$seconds >= silence_max)); then
    hung="$(grep -oE "Long Running Test\] '.*', Elapsed: $elapsed" "$log" | cut -d"'" -f2 | sort -u)"
    kill -KILL -- -$runner 2>/dev/null || true
    break
  fi
done
status=0
wait $runner || status=$?
wait $printer 2>/dev/null || true
trap - EXIT

summary="$(grep -E '^ +Naru.Tests  Total: ' "$log" | tail -n 1 || true)"
number() { grep -oE "$1: [0-9]+" <<<"$summary" | grep -oE '[0-9]+' || echo 0; }
total=$(number Total) failed=$(($(number Failed) + $(number Errors))) skipped=$(number Skipped)
passed=$((total - failed - skipped - $(number 'Not Run')))
if [ -n "$hung" ]; then
  failed=$((failed + 1)) status=1
  echo "hung: no test finished for $silence_max s while these ran:"
  sed 's/^/  /' <<<"$hung"
elif [ -z "$summary" ]; then
  failed=$((failed + 1)) status=1
  echo "the test process ended before its summary (exit code $status); everything it said is in ${log#"$root"/}"
elif [ "$total" = 0 ]; then
  failed=1 status=1
  echo "no test has that in its name"
fi
[ "$skipped" = 0 ] && tail_text= || tail_text=", $skipped skipped"
echo "$passed passed, $failed failed$tail_text"
[ "$failed" = 0 ] && [ "$status" = 0 ]
