#!/bin/sh
# After snakemake was killed: end the Slurm jobs that it left behind in this directory, and unlock it.
# Trainings save before they end. Then start snakemake again; nothing finished is computed twice.
#
#   workflow/recover.sh && snakemake --profile slurm -j 64
set -eu
cd "$(dirname "$0")/.."
here=$(pwd -P)

fail() {
  echo "error: recover: $*" >&2
  exit 1
}

# Processes of snakemake itself in this directory, without those that run within its jobs.
running() {
  ps -u "$(id -u)" -o pid=,args= | awk '$2 ~ /(^|\/)snakemake$/ || $3 ~ /(^|\/)snakemake$/ { print $1 }' |
    while read -r pid; do
      [ "$(readlink "/proc/$pid/cwd")" != "$here" ] || echo "$pid"
    done
}

# Jobs of this directory that Snakemake's plugin submitted: their names are ids of runs.
left_behind() {
  found=$(squeue --noheader --all --user "$(id -un)" --format "%i|%Z|%j") || return 1
  echo "$found" | awk -F '|' -v here="$here" \
    '$2 == here && $3 ~ /[0-9a-f]+-[0-9a-f]+-[0-9a-f]+-[0-9a-f]+-[0-9a-f]+$/ { print $1 }'
}

host=$(cat .snakemake/host 2>/dev/null || uname -n)
[ "$host" = "$(uname -n)" ] ||
  fail "snakemake was started on $host: run this there or, if it is gone, delete .snakemake/host"

pids=$(running)
[ -z "$pids" ] || fail "snakemake still runs here, end it with Ctrl-C or kill:" $pids

if command -v squeue >/dev/null; then
  seconds=0
  while :; do
    jobs=$(left_behind) || fail "squeue does not answer, so jobs may be left; try again later"
    [ -n "$jobs" ] || break
    [ "$seconds" -lt 300 ] || fail "jobs" $jobs "have not ended for 5 minutes; ask Slurm why"
    [ "$seconds" -gt 0 ] || echo "recover: ending Slurm jobs" $jobs
    scancel $jobs || : # of those that have ended meanwhile; for all else, the limit above
    sleep 1
    seconds=$((seconds + 1))
  done
fi
snakemake --unlock "$@"
