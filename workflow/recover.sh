#!/bin/sh
# After snakemake was killed: end the Slurm jobs that it left behind in this directory, and unlock it.
# Trainings save before they end. Then start snakemake again; nothing finished is computed twice.
#
#   workflow/recover.sh && snakemake --profile slurm -j 64
#
# It takes snakemake's arguments: given the --directory that snakemake had, it recovers that one.
set -eu
cd "$(dirname "$0")/.."
PYTHONPATH=$(pwd -P)${PYTHONPATH:+:$PYTHONPATH} python -m pipeline.slurm.recover "$@"
exec snakemake --unlock "$@"
