"""The model card of an exported network."""

from pipeline.artifacts.samples import cell_name
from pipeline.artifacts.tensors import Artifact
from pipeline.artifacts.upstream import settings_in
from pipeline.stages.domains import DOMAINS
from pipeline.stages.parts import load_part

_CARD = """\
---
library_name: pipeline
tags: [diffusion, compositional-generalization]
---
# {name}

A diffusion model of {data} at training step {step}: {cell}.
It has {weights:,} weights in all replicas.

```python
import pipeline

network = pipeline.load("{name}")
tokens = network.sample(16)  # [replicas, 16, length]
print(network.decode(tokens[0]))
```

| file | what it has |
|---|---|
| network.safetensors | weights, and averages of them, with what made them in the header |
| settings.json | noise, network, optimisation, dataset size, seeds of every replica |
| config.json | the config of the run, with how samples are drawn |
| grammar_g*.safetensors, tokenizer.json | grammars of the replicas, or the tokenizer |

What it was made to show, and how: Favero, Sclocchi, Cagnetta, Frossard, Wyart, "How Compositional
Generalization and Creativity Improve as Diffusion Models are Trained", ICML 2025. It was trained to
be measured, on few data, and is of no use for anything else. Versions: {versions}.
"""


def model_card(checkpoint: Artifact, name: str) -> str:
    """Markdown that says what a checkpoint is, and how it is loaded from a directory of a name."""
    stamp = checkpoint.stamp
    domain = stamp["spec"]["domain"]
    trained = settings_in(stamp["spec"], checkpoint.path, load_part(domain, "model").TRAINED)
    counted = {n: x for n, x in checkpoint.tensors.items() if not n.startswith("average")}
    return _CARD.format(
        name=name,
        data=DOMAINS[domain].data,
        step=stamp["step"],
        cell=cell_name(trained.cell),
        weights=sum(weight.size for weight in counted.values()),
        versions=", ".join(f"{key} {value}" for key, value in stamp["versions"].items()),
    )
