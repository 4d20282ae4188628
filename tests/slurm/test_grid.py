"""The smoke grid on the cluster, with GPUs, its profile edited as docs/cluster.md says."""

import re
from collections import Counter

import pandas as pd

from tests.slurm.site import Site, show
from tests.workflow.checkout import SMOKE, Checkout

ALONE = ("ceiling", "theory", "corpus", "train_text", "sample_text", "probe_text", "judge")
ALONE += ("judge_controls", "images", "train_image", "sample_image", "encode", "encode_controls")
ALONE += ("prepare_judge", "prepare_encoder")
"""Rules with one Slurm job each."""
TABLE = "results/smoke/tables/rhm_measurements.parquet"


def test_the_whole_grid_on_gpus(tmp_path):
    site = Site.of_sources(tmp_path / "checkout")
    site.edit_profile("slurm_partition", "main")
    site.edit_profile("lasting-slurm-init-seconds-before-status-checks", "1")
    assert site.finish(site.launch("all"), 800) == 0, site.log
    comments = {job: show(job, "Comment") for job in site.jobs()}
    rules = {job: re.match(r"rule_(.+?)(_wildcards|$)", c)[1] for job, c in comments.items()}
    several = {"train": 4, "evaluate_measure_sample": 4, "probe": 4}
    several |= {"evaluate_measure": 2, "measure_controls": 2}
    assert Counter(rules.values()) == several | dict.fromkeys(ALONE, 1)
    assert len(rules) == 31, "as docs/cluster.md says"
    gpus = [show(job, "TresPerJob") for job, rule in rules.items() if "train" in rule]
    assert gpus == ["gres:gpu:1"] * 6
    groups = [job for job, rule in rules.items() if rule == "evaluate_measure_sample"]
    limits = {show(job, "TimeLimit") for job in groups}
    assert limits == {"12:00:00"}, "sampling and measuring together, as the profile says"
    assert len(re.findall(r"^done:   train ", site.log, re.MULTILINE)) == 4
    assert "grid: " in site.log
    assert site.stale() == {}
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
