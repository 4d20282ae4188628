#!/bin/sh
# snakemake as a Slurm job, for sites that forbid it on the login node:
#
#   sbatch workflow/driver.sh
#   sbatch --dependency=singleton workflow/driver.sh   # as often as the grid outlasts a job
#
# It takes snakemake's arguments. At its end, be it for its time limit or a scancel, the jobs that it
# submitted are cancelled, and trainings save; the next driver goes on from there.
#SBATCH --job-name=driver
#SBATCH --cpus-per-task=4
#SBATCH --mem=8G
#SBATCH --time=1-0
#SBATCH --signal=B:TERM@180
# edit: the longest time that your site allows, and --partition, --account if it wants them
set -eu
workflow/recover.sh "$@" # after a driver that was killed; does nothing else
exec snakemake --profile slurm -j 64 "$@"
