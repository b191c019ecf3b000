#!/bin/sh
# Runs every fuzz target in turn, FUZZTIME each, or those whose "package FuzzName" matches FUZZ. What makes one fail stays
# in testdata/fuzz, where the tests run it from then on. Exit code 1 where something was found.
set -u
go=${GO:-go}
time=${FUZZTIME:-30s}
log=$(mktemp) || exit 2
list=$(mktemp) || exit 2
trap 'rm -f "$log" "$list"' EXIT
summary=
trap 'printf "\n%s" "$summary"; exit 130' INT TERM

grep -roE --include='*_test.go' '^func Fuzz[A-Za-z0-9]+' . | sed -E 's|/[^/]*:func | |' | sort -u | grep -E -- "${FUZZ:-.}" >"$list"
if ! [ -s "$list" ]; then
  echo "No fuzz target matches ${FUZZ:-.}." >&2
  exit 2
fi
bad=0
while read -r dir name; do
  echo "== $dir $name"
  # The default would spend a minute on the size of each new input.
  $go test -run '^$' -fuzz "^$name\$" -fuzztime "$time" -fuzzminimizetime 100x ${FUZZFLAGS:-} "$dir" >"$log" 2>&1 </dev/null
  code=$?
  seeds=$(sed -nE 's/.*gathering baseline coverage: [0-9]+\/([0-9]+) .*/\1/p' "$log" | tail -1)
  execs=$(sed -nE 's/.*execs: ([0-9]+) .*/\1/p' "$log" | tail -1)
  found=$(sed -nE 's/.*new interesting: ([0-9]+) .*/\1/p' "$log" | tail -1)
  verdict=ok
  if [ $code -ne 0 ]; then
    verdict=FAILED
    bad=1
    grep -vE '^fuzz: (elapsed|minimizing)' "$log"
  elif [ "${seeds:-0}" -eq 0 ] || [ "${execs:-0}" -eq 0 ]; then
    verdict="RAN NOTHING"
    bad=1
    cat "$log"
  fi
  summary="$summary$(printf '%-11s %-44s %-20s %6s seeds and known inputs, %9s runs, %5s new' "$verdict" "$dir" "$name" "${seeds:-0}" "${execs:-0}" "${found:-0}")
"
done <"$list"
printf '\n%s' "$summary"
if [ $bad -ne 0 ]; then
  echo "Something was found: each input is below testdata/fuzz of its package. Mend it, and commit the input with the change."
fi
exit $bad
