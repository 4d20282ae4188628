"""Which part of the config each stage reads: the `settings` of its spec, and nothing more.

A key that is not in a stage's slice, or in that of a stage upstream, cannot change its artifact,
so editing it never makes the artifact stale. Upstream settings are not repeated: files carry them.
"""

from typing import Any

from pipeline.config.grid import ONLINE, Cell, parse_replicas, parse_setting
from pipeline.config.rhm import RhmConfig
from pipeline.config.schema import FIGURES, Config


def grammar_settings(setting: str, grammar_seed: int) -> dict[str, Any]:
    """Parameters of one grammar."""
    return {**parse_setting(setting), "seed": grammar_seed}


def dataset_settings(domain: RhmConfig, cell: Cell) -> dict[str, Any]:
    """Held-out sizes and the number of training strings; online, as many as the run will read."""
    training = domain.training
    online = cell.dataset_size == ONLINE
    size = training.steps * training.batch_size if online else int(cell.dataset_size)
    return {**domain.data.plain(), "training_size": size, "cell": _cell(cell)}


def train_settings(domain: RhmConfig, cell: Cell) -> dict[str, Any]:
    """Noise, network and optimisation; checkpoint steps are outputs, not settings."""
    training = domain.training.plain()
    for not_a_setting in ("checkpoints", "keep_checkpoints"):
        del training[not_a_setting]
    noise, network = domain.noise.plain(), domain.network.plain()
    return {"noise": noise, "network": network, "training": training, "cell": _cell(cell)}


def sample_settings(domain: RhmConfig) -> dict[str, Any]:
    """Sampling; noise and network come with the checkpoint."""
    return domain.sampling.plain()


def measure_settings(domain: RhmConfig) -> dict[str, Any]:
    """Estimators."""
    return domain.measurement.plain()


def aggregate_settings(domain: RhmConfig, setting: str) -> dict[str, Any]:
    """The cells of one setting, as a grid of its own."""
    grid = domain.grid.plain()
    chosen = [g.plain() for g in domain.grid.grammars if g.label == setting]
    return {**grid, "grammars": chosen}


def analysis_settings(domain: RhmConfig) -> dict[str, Any]:
    """Reading rules."""
    return domain.analysis.plain()


def figure_settings(config: Config, name: str) -> dict[str, Any]:
    """Looks, and the reading rules if the figure shows what they choose."""
    source, style = FIGURES[name], {"style": config.style.plain()}
    if not source.reads_analysis:
        return style
    return {**style, "analysis": config.domain(source.domain).analysis.plain()}


def _cell(cell: Cell) -> dict[str, Any]:
    replicas = [[replica.grammar_seed, replica.seed] for replica in parse_replicas(cell.replicas)]
    return {
        "setting": parse_setting(cell.setting),
        "dataset_size": cell.dataset_size,
        "replicas": replicas,
    }
