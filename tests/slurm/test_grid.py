"""The smoke grid on the cluster, with GPUs and with the profile as the README says to edit it."""

import re

import pandas as pd

from tests.slurm.site import Site, show
from tests.workflow.checkout import GRID, SMOKE, Checkout

TABLE = "results/smoke/tables/rhm_measurements.parquet"


def test_the_whole_grid_on_gpus(tmp_path):
    site = Site.of_sources(tmp_path / "checkout")
    site.edit_profile("slurm_partition", "main")
    site.edit_profile("slurm-init-seconds-before-status-checks", "1")
    assert site.finish(site.launch(*GRID), 400) == 0, site.log
    comments = sorted(show(job, "Comment") for job in site.jobs())
    counts = {name: sum(f"rule_{name}" in c or f"group_{name}" in c for c in comments) for name in
              ("train", "probe", "ceiling", "theory", "evaluate")}  # fmt: skip
    assert counts == {"train": 4, "probe": 4, "ceiling": 1, "theory": 1, "evaluate": 4}
    assert len(comments) == 14
    gpus = [show(job, "TresPerJob") for job in site.jobs() if "train" in show(job, "Comment")]
    assert gpus == ["gres:gpu:1"] * 4
    limits = {show(job, "TimeLimit") for job in site.jobs() if "evaluate" in show(job, "Comment")}
    assert limits == {"12:00:00"}, "sampling and measuring together, as the profile says"
    assert len(re.findall(r"^done:   train ", site.log, re.MULTILINE)) == 4
    assert "grid: " in site.log
    assert site.stale(*GRID) == {}
    local = Checkout.of_sources(tmp_path / "local")
    assert local.snakemake(*SMOKE, TABLE).returncode == 0
    pd.testing.assert_frame_equal(*(pd.read_parquet(c.path / TABLE) for c in (site, local)))


def test_files_that_appear_late_on_the_cluster_are_waited_for(tmp_path):
    site = Site.set_up(tmp_path / "checkout")
    site.edit_preset(lambda rhm, _: rhm["training"].update(steps=50, checkpoints=[40]))
    measured = "results/smoke/rhm/v4_m2_s2_L2/P8/g0d0n0+g1d0n0/measurements.parquet"
    assert site.finish(site.launch(measured, fault="late:5")) == 0, site.log
    assert "failed" not in site.log
    assert len(site.jobs()) == 2, "training, and sampling with measuring"
    assert site.stale(measured) == {}
