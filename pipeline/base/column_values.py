"""What the values of columns that have a few of them stand for."""

COLUMN_VALUES = {
    "among": {
        "all": "all samples",
        "novel_strings": "strings that are not in the training set",
        "novel_subtrees": "nodes whose tokens occur nowhere in the training set",
        "novel_samples": "text and images that come no closer to the training set than real ones do"
        " that were held out",
        "test_strings": "no samples, but strings of the grammar that were held out",
    },
    "split": {
        "training": "strings that the network is trained on",
        "validation": "held out; they tell which checkpoint is best",
        "test": "held out for probes and theory; nothing is chosen by them",
    },
    "control": {
        "real": "real data that were held out",
        "blocks": "real data whose blocks of `block_length` were exchanged",
        "noise": "white noise",
    },
    "process": {
        "uniform": "a corrupted token is replaced by any symbol",
        "absorbing": "a corrupted token is masked",
    },
    "schedule": {
        "linear_beta": "of the released code: the rate of noise is linear, from level 0 on",
        "linear_alpha_bar": "the share of tokens that are left is linear, 1 - t/T",
        "ddpm_linear_beta": "of DDPM: the rate of noise is linear, 1e-4 to 0.02 at T = 1000",
        "d3pm_linear_beta": "of D3PM: the rate of noise is linear, 0.02 to 1",
    },
    "variable": {
        "dataset_size": "P, at the best checkpoint of every replica",
        "step": "training steps, of one dataset size or on fresh data",
    },
    "kernel": {
        "gaussian": "bounded, so that far sets are all alike to it",
        "energy": "minus the distance, so that it tells far sets from farther ones",
        "cubic": "of the kernel inception distance; far sets weigh most",
    },
    "law": {
        "m^l": "a rival, a power below",
        "m^(l+1/2)": "a rival, half a power below",
        "m^(l+1)": "that of the paper",
        "m^(l+3/2)": "a rival, half a power above",
        "m^(l+2)": "a rival, a power above",
        "m^(2l-1)": "a rival that grows faster with the level",
        "m^3": "a rival that does not grow with the level",
    },
    "status": {
        "inside": "the half-way point is inside the range studied",
        "below": "below that range: the curve is past its middle throughout",
        "above": "above it: the curve is never past its middle for good",
        "not converged": "the curve passes its middle, but does not come near enough to its ceiling"
        " for a half-way point",
        "undecided": "replicas differ, or both sides of a comparison are out of range",
        "resolved": "of a length: it is what samples tell",
        "at least": "of a length: it is longer than samples can tell",
    },
    "relation": {
        "=": "the quantity is to equal the prediction",
        ">": "it is to exceed it",
        "<": "it is to stay below it",
    },
    "verdict": {
        "supported": "the interval lies where the claim says",
        "contradicted": "it lies wholly elsewhere",
        "heterogeneous": "one setting contradicts what another, or all together, support",
        "undecided": "the interval tells neither; `reason` says what is missing",
        "not run": "no table of the run speaks of it",
    },
}
"""By column and value."""
