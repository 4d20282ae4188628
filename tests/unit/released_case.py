"""A network, corrupted strings and levels, of which the released code's numbers are known.

`released_values.json` holds what that code (AntonioScl/minimal_diffusion_rhm, commit cc3e3a7) makes
of them, with these weights copied into its network: logits, loss of every string, reverse step.
"""

import json
from pathlib import Path

import torch

from pipeline.rhm import model
from tests.unit.settings_case import settings_of
from tests.unit.training_case import train_spec

VALUES = json.loads(Path(__file__).with_name("released_values.json").read_text())
SYMBOLS = 5
CASES = {
    "s2_L3": {"s": 2, "L": 3, "levels": 200, "first": 1e-3, "last": 0.1, "t": [1, 57, 200]},
    "s3_L2": {"s": 3, "L": 2, "levels": 1000, "first": 1e-4, "last": 0.02, "t": [1, 420, 1000]},
}


def settings(case):
    """Settings of the `train` stage that are the released code's."""
    ends = {"first": case["first"], "last": case["last"]}
    values = {
        "noise": {
            "process": "uniform",
            "noise_levels": case["levels"],
            "schedule": {"kind": "linear_beta", **ends},
            "mixture": "d3pm",
        },
        "network": {
            "architecture": "normed_unet",
            "width": 8,
            "noise_input": "contrast",
            "precision": "tf32",
        },
        "cell": {
            "setting": {"v": SYMBOLS, "m": 2, "s": case["s"], "L": case["L"]},
            "dataset_size": "online",
            "replicas": [[0, 0, 0]],
        },
        "training": train_spec([[0, 0, 0]]).settings.training.plain(),
    }
    return settings_of("train", "rhm", values)


def build(case):
    """Noise and network, with weights that are cosines of where they stand."""
    noise, network = model.build_noise(settings(case)), model.build_network(settings(case))
    with torch.no_grad():
        for number, (name, weight) in enumerate(network.named_parameters()):
            place = torch.arange(weight.numel(), dtype=torch.float64).reshape(weight.shape)
            values = torch.cos(0.7 * place + number)
            weight.copy_(1 + 0.1 * values if "norm" in name else 2**0.5 * values)
    return noise, network


def strings(case):
    """Clean and corrupted strings [1, 3, d], and levels [1, 3]; at the lowest, nothing is changed.

    There, that code's floor under logarithms would show where a token were another.
    """
    length = case["s"] ** case["L"]
    place = torch.arange(3 * length).reshape(1, 3, length)
    x0 = (place * place + 2 * place) % SYMBOLS
    xt = torch.where((place % 4 == 1) & (place >= length), (x0 + place) % SYMBOLS, x0)
    return x0, xt, torch.tensor([case["t"]])
