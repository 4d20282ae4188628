#!/bin/sh
# After snakemake was killed: end the Slurm jobs that it left behind in this directory, and unlock it.
# Trainings save before they end. Then start snakemake again; nothing finished is computed twice.
#
#   workflow/recover.sh && snakemake --profile slurm -j 64
set -eu
cd "$(dirname "$0")/.."

left_behind() {
  squeue --noheader --user "$(id -un)" --states PENDING,RUNNING,SUSPENDED,COMPLETING --format "%i|%Z" |
    awk -F '|' -v here="$(pwd -P)" '$2 == here { print $1 }'
}

if command -v squeue >/dev/null; then
  jobs=$(left_behind)
  if [ -n "$jobs" ]; then
    echo "recover: ending Slurm jobs" $jobs
    scancel $jobs
    while [ -n "$(left_behind)" ]; do sleep 1; done
  fi
fi
snakemake --unlock "$@"
