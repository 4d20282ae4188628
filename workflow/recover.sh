#!/bin/sh
# After snakemake was killed: end the Slurm jobs that it left behind in this directory, and unlock it.
# Trainings save before they end. Then start snakemake again; nothing finished is computed twice.
#
#   workflow/recover.sh && snakemake --profile slurm -j 64
set -eu
cd "$(dirname "$0")/.."

# Jobs of this directory that Snakemake's plugin submitted, as their comments tell.
left_behind() {
  found=$(squeue --noheader --user "$(id -un)" --states "$1" --format "%i|%Z|%k") || exit 1
  echo "$found" | awk -F '|' -v here="$(pwd -P)" '$2 == here && $3 ~ /^(rule|group)_/ { print $1 }'
}

if command -v squeue >/dev/null; then
  jobs=$(left_behind PENDING,RUNNING,SUSPENDED)
  if [ -n "$jobs" ]; then
    echo "recover: ending Slurm jobs" $jobs
    scancel $jobs
  fi
  seconds=0
  while jobs=$(left_behind PENDING,RUNNING,SUSPENDED,COMPLETING) && [ -n "$jobs" ]; do
    if [ "$seconds" -ge 300 ]; then
      echo "error: recover: jobs" $jobs "have not ended for 5 minutes; ask Slurm why, then run again" >&2
      exit 1
    fi
    sleep 1
    seconds=$((seconds + 1))
  done
fi
snakemake --unlock "$@"
