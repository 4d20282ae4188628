"""Made-up tables whose truth is known, and the rules by which claims about them are decided."""

import numpy as np
import pandas as pd

from pipeline.claims.decide import claims_table
from pipeline.claims.settings import Rules

RULES = Rules(
    margin=0.25,
    misfit=0.05,
    bootstrap_seeds=4,
    agreeing_seeds=4,
    creativity=0.9,
    unseen=0.05,
    valid_and_novel=0.8,
    copied=0.5,
    in_range=0.8,
    accuracy="conditional_accuracy",
    bootstrap_samples=200,
    average=0.9,
)
SIZES = 2.0 ** np.arange(4, 15)
SETTING = {"v": 16, "m": 4, "s": 2, "L": 3}


def decisions(domain="rhm", rules=RULES, **frames):
    """Rows of all claims, of tables of one domain by their names."""
    return claims_table(domain, frames, rules)


def decided(claim, quantity="", domain="rhm", rules=RULES, **frames):
    """The row of all settings of the claim and of the quantity that begins so."""
    table = decisions(domain, rules, **frames)
    table = table[table["setting"].isna()]
    (row,) = table[
        (table["claim"] == claim) & table["quantity"].str.startswith(quantity)
    ].itertuples()
    return row


def trajectories(
    quantity, curve, levels=(np.nan,), spread=0.05, grammars=4, sizes=SIZES, **columns
):
    """Rows of `curve(P, level, grammar's factor)`, one checkpoint, one replica a grammar."""
    factors = np.exp(spread * np.random.default_rng(1).standard_normal(grammars))
    rows = [
        {**SETTING, "grammar_seed": g, "data_seed": 0, "network_seed": 0, "step": 8}
        | {"dataset_size": str(int(P)), "quantity": quantity, "level": level}
        | {"estimate": curve(P, level, factors[g])}
        for g in range(grammars)
        for P in sizes
        for level in levels
    ]
    return pd.DataFrame(rows).assign(among="all", ceiling=1.0).assign(**columns)


def losses(frame, **columns):
    """Validation losses of every cell at every step there is, the first of them best."""
    cells = frame.drop_duplicates([*SETTING, "grammar_seed", "dataset_size", "step"])
    cells = cells.assign(split="validation", noise_low=0.0, noise_high=1.0)
    return cells.assign(loss=cells["step"], optimizer_learning_rate=1.0).assign(**columns)


def networks(quantity, curve, sizes, steps, among, averages=(None,), count=3, spread=0.0):
    """Rows of text or images of `curve(P, step, network's factor)`."""
    factors = np.exp(spread * np.random.default_rng(2).standard_normal(count))
    rows = [
        {"setting": "some", "data_seed": 0, "network_seed": seed, "average": average}
        | {"dataset_size": str(size), "step": step, "quantity": quantity, "among": among}
        | {"estimate": curve(size, step, factors[seed])}
        for seed in range(count)
        for size in sizes
        for step in steps
        for average in averages
    ]
    return pd.DataFrame(rows).astype({"average": float})


def network_losses(frame, best):
    """Validation losses, lowest at the step `best(P)`."""
    cells = frame.drop_duplicates(["network_seed", "dataset_size", "step"])
    distance = [abs(np.log(row.step / best(int(row.dataset_size)))) for row in cells.itertuples()]
    return cells.assign(loss=distance, split="validation", noise_low=0.0, noise_high=1.0)
