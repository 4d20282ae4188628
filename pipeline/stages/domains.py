"""The domains: kinds of data that diffusion models are trained on, and what differs between them.

A stage is the same for all domains. What it reads and makes may have other names, which are the
fields of `Domain`. Standard library only, since every cluster job parses the workflow.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Domain:
    """What the workflow has to know of a domain.

    Names of artifacts are stems of safetensors files in the directory of a setting or of a cell.

    Attributes:
        name: of the domain, of its section of the config, and of its room in `pipeline`.
        data: what people call its data, in the plural.
        source: what datasets are made from, below a setting; `{grammar_seed}` in it is a replica's.
        reference: what samples are compared with, below a setting, likewise.
        measured: what is measured of samples, a directory of a cell.
        measured_controls: the same of controls, a directory of a setting.
        training_data: what samples may be copies of, in a cell.
        has_data_online: whether that is there too where training never repeats a datum.
        controls: controls beside those of shuffled blocks, which have their lengths in their names.
        beside: by the name of a table, that table of the same setting which is put beside it.
        other_settings: by the name of a table, the section of the config that has its settings.
        claim_tables: tables that claims are decided from, in the order in which they are read.
        length: the quantity that says how far samples are coherent.
        novel: among which samples it is measured where training sets are finite.
    """

    name: str
    data: str
    source: str
    reference: str
    measured: str = "samples"
    measured_controls: str = "controls"
    training_data: str = "dataset"
    has_data_online: bool = False
    controls: tuple[str, ...] = ()
    beside: Mapping[str, str] = field(default_factory=dict)
    other_settings: Mapping[str, str] = field(default_factory=dict)
    claim_tables: tuple[str, ...] = ("measurements", "losses")
    length: str = "equivalent_block_length"
    novel: str = "novel_samples"

    @property
    def has_grammars(self) -> bool:
        """Whether its data are drawn from grammars, of which replicas have their own."""
        return "{grammar_seed}" in self.source


_ALL = (
    Domain(
        "rhm",
        "grammars",
        source="grammar_g{grammar_seed}",
        reference="grammar_g{grammar_seed}",
        has_data_online=True,
        beside={"measurements": "ceilings"},
        other_settings={"theory": "theory"},
        claim_tables=(
            *("measurements", "losses", "probes"),
            *("sample_complexity", "memorization", "theory", "laws"),
        ),
        length="coherence_length",
        novel="novel_strings",
    ),
    Domain("text", "text", source="corpus", reference="corpus", controls=("real",)),
    Domain(
        "image",
        "images",
        source="images",
        reference="control_features/reference",
        measured="features",
        measured_controls="control_features",
        training_data="training_features",
        controls=("reference", "real", "noise"),
        claim_tables=("measurements", "losses", "convergence"),
    ),
)

DOMAINS = {domain.name: domain for domain in _ALL}
"""Every domain by its name."""
EVERY_DOMAIN = tuple(DOMAINS)
"""Names of all domains."""
REFERENCE_CONTROL = "reference"
"""The control that the others are compared with, so that it is not compared itself."""
