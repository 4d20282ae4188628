"""Parquet tables: column meanings and units in the schema, and the stamp of the job that made them.

These tables are the pipeline's public interface; `COLUMNS` documents every column.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline import artifacts

if TYPE_CHECKING:  # pyarrow imports pandas where frames are made; stages without them start sooner
    import pandas as pd

COLUMNS = {
    "v": "symbols at every level of the grammar",
    "m": "synonyms: production rules of each symbol",
    "s": "children of a node",
    "L": "levels of rules; strings have s**L tokens",
    "grammar_seed": "seed of the grammar",
    "data_seed": "seed of the training set, i.e. of the choice and order of the grammar's strings",
    "network_seed": "seed of the network: weights, batches and noise",
    "setting": "tokenizer and context of a corpus of text; name and size of a set of images",
    "dataset_size": "training strings (blocks of text, images) P as text, or 'online' for new ones "
    "at every step until all were read; none where no training set matters",
    "replica": "place of the replica in its job, from 0",
    "step": "training steps done",
    "average": "decay of the averaged weights that were sampled; none for weights of the step",
    "quantity": "what was measured",
    "among": "over which samples: all, novel_strings (not in the training set) or novel_subtrees "
    "(nodes whose tokens occur nowhere in the training set)",
    "level": "level of the grammar, 1 (pairs of tokens) to L (whole strings)",
    "distance": "tokens between two positions; pixels, for images",
    "context": "least number of tokens before the one that is judged; none for all",
    "control": "what a control is: real data, real data in shuffled blocks, the reference that "
    "images are compared with, or white noise",
    "block_length": "tokens of the shuffled blocks that a control is made of, or pixels of their "
    "side; none where it is not made of blocks",
    "sample": "number of the sample at its checkpoint, from 0",
    "text": "a sample as text; an empty line ends a document",
    "png": "a sample as a PNG file",
    "layer": "block of the encoder that features are of, counted from 0; none: pixels",
    "kernel": "kernel of the maximum mean discrepancy: gaussian (median width), energy or cubic",
    "frequency": "spatial frequency, cycles per image width",
    "fraction": "share of the distance of white noise below which a layer counts as converged, "
    "from then on",
    "estimate": "value of the quantity; fractions in 0..1, correlations as probabilities squared "
    "(of image features: relative to real variance), divergences in nats, distances of features in "
    "units of their real spread, lengths in tokens or pixels, dataset sizes in strings, steps in "
    "training steps",
    "standard_error": "standard error of the estimate over strings, one replica; 0 where exact",
    "count": "cases behind the estimate",
    "split": "training, validation or test strings",
    "noise_low": "lower end of the range of noise levels, as a fraction of T",
    "noise_high": "upper end of the range of noise levels, as a fraction of T",
    "loss": "mean of the training loss: nats per token, of a single reverse step if that is its "
    "divergence; of images, squared error of the noise plus the weighted bound",
    "optimizer_learning_rate": "learning rate of the optimiser, i.e. the config's times its unit",
    "steps_per_second": "training steps per second since the checkpoint before",
    "variable": "what is varied: dataset_size or step",
    "threshold": "value of `variable` at which `quantity` is half-way between chance and ceiling",
    "predicted": "prediction of the theory for the threshold, v m**(l+1) / (1 - m / v**(s-1))",
    "process": "forward process: uniform or absorbing noise",
    "schedule": "noise schedule: which reading of linear",
    "noise_levels": "noise levels T of the forward process",
    "sampling_levels": "reverse steps of the sampler (uniform noise)",
    "configured": "whether noise and sampler are those of the config",
    "block": "block of the network: down1..downL, then upL..up1",
    "chance": "accuracy of uniformly random strings; 0 for copies",
    "ceiling": "what the exact denoiser reaches with the same sampler; 1 for copies",
    "status": "inside the range studied, or on which side of it the threshold lies (undecided if "
    "replicas lie on both, or what it is compared with on the same); of lengths, "
    "resolved by the samples, or at least so long",
    "low": "lower 95 % bound: of fits, over grammars and the seeds within them; of measurements, "
    "over generated strings or images",
    "high": "upper 95 % bound, likewise",
    "prediction": "prediction of the theory; NaN where there is none",
    "dataset_sizes": "number of dataset sizes behind it",
    "grammars": "number of grammars behind it",
    "replicas": "number of replicas behind it",
    "law": "power of m with which P*_l is to grow, times v and a fitted constant",
    "factor": "whether the law has the factor 1 / (1 - m / v**(s-1))",
    "held_out": "what the constant was fitted without: a grammar or a whole setting at a time",
    "error": "root mean square error of held-out thresholds, decades",
    "error_low": "lower 95 % bound of the error",
    "error_high": "upper 95 % bound of the error",
    "difference": "error less that of v m**(l+1) / (1 - m / v**(s-1)); NaN where the two laws "
    "differ by a constant only",
    "difference_low": "lower 95 % bound of the difference",
    "difference_high": "upper 95 % bound of the difference",
    "levels": "number of levels behind it",
    "settings": "number of sets of grammar parameters behind it",
    "claim": "claim of the paper: C1 to C6; M1 of its sequel on memorization",
    "statement": "the claim in a sentence",
    "relation": "how the quantity is to compare with the prediction: = or >",
    "window": "adjacent tokens of which some, or all, were masked",
    "departure": "settings other than those of the run that it is compared with, by name",
    "width": "channels of the network",
    "epoch": "passes through the training set",
    "verdict": "supported, contradicted or undecided",
}

SEEDS = ["grammar_seed", "data_seed", "network_seed"]
"""Columns that tell replicas of one setting apart, each drawn anew within the one before."""


def places(cell: Mapping, step: int) -> list[dict]:
    """Columns that say where a number belongs, for every replica of a cell."""
    common = {**cell["setting"], "dataset_size": cell["dataset_size"], "step": step}
    seeds = (dict(zip(SEEDS, replica, strict=True)) for replica in cell["replicas"])
    return [
        {**common, **{name: seed for name, seed in known.items() if seed is not None}}
        for known in seeds
    ]


def write_table(path: Path, frame: "pd.DataFrame", stamp: Mapping) -> None:
    """Write a table whose columns are all documented, whole or not at all.

    The stamp goes into the file's metadata, with the hash of everything that precedes them.
    """
    write_arrow(path, pa.Table.from_pandas(frame, preserve_index=False), stamp)


def write_arrow(path: Path, rows: pa.Table, stamp: Mapping) -> None:
    """Write Arrow columns as `write_table` writes those of a frame."""
    fields = [f.with_metadata({"description": COLUMNS[f.name]}) for f in rows.schema]
    table = rows.cast(pa.schema(fields))
    with (
        artifacts.replacing(path) as temporary,
        temporary.open("wb") as file,
        pq.ParquetWriter(file, table.schema) as writer,
    ):
        writer.write_table(table)
        file.flush()
        digest = _content_hash(table.schema, temporary.read_bytes())
        writer.add_key_value_metadata({artifacts.STAMP: json.dumps({**stamp, "sha256": digest})})


def read_table(path: Path, kind: str, quantities: Sequence[str] | None = None) -> "pd.DataFrame":
    """Read a table of the given kind.

    Args:
        path: the file.
        kind: what it has to be.
        quantities: which rows to read, by the column `quantity`; all of them if None.

    Raises:
        PipelineError: the file is missing, truncated, of another kind, or was altered.
    """
    with _refusing(path, kind):
        return read_arrow(path, kind, quantities)[0].to_pandas()


def read_arrow(
    path: Path, kind: str, quantities: Sequence[str] | None = None
) -> tuple[pa.Table, dict]:
    """Rows of a table as Arrow columns, and its stamp; otherwise as `read_table`."""
    with _refusing(path, kind):
        content = Path(path).read_bytes()
        file = pq.ParquetFile(pa.BufferReader(content))
        stamp = _stamp(file.metadata)
        if quantities is None:
            rows = file.read(use_threads=False)
        else:
            chosen = [("quantity", "in", list(quantities))]
            rows = pq.read_table(pa.BufferReader(content), filters=chosen, use_threads=False)
    artifacts.check_kind(path, stamp, kind)
    if stamp.get("sha256") != _content_hash(rows.schema, _body(content)):
        raise artifacts.refusal(path, "does not hold what its stamp says")
    return rows.replace_schema_metadata(None), stamp


@contextmanager
def _refusing(path: Path, kind: str) -> Iterator[None]:
    """Turn whatever a file that is no table of ours makes pyarrow raise into a PipelineError."""
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        reason = " ".join(str(error).split())
        raise artifacts.refusal(path, f"cannot be read as {kind} ({reason})") from error


def read_stamp(path: Path) -> dict:
    """Stamp of a table, without reading or checking its rows; empty for a foreign table."""
    return _stamp(pq.read_metadata(path))


def _stamp(footer: pq.FileMetaData) -> dict:
    return json.loads((footer.metadata or {}).get(artifacts.STAMP.encode(), b"{}"))


def _content_hash(schema: pa.Schema, body: bytes | memoryview) -> str:
    """Hash of the columns' names and types, which stand in the footer, and of all before it."""
    columns = [(field.name, str(field.type)) for field in schema]
    return hashlib.sha256(f"{columns}".encode() + body).hexdigest()


def _body(content: bytes) -> memoryview:
    """Everything before the footer, whose length is told by the last eight bytes but four."""
    footer = int.from_bytes(content[-8:-4], "little")
    return memoryview(content)[: len(content) - 8 - footer]


def read_tables(paths: Iterable[Path], kind: str) -> "pd.DataFrame":
    """Rows of many tables of one kind."""
    return concatenate([read_arrow(path, kind)[0] for path in paths]).to_pandas()


def concatenate(parts: Sequence[pa.Table]) -> pa.Table:
    """Rows of all parts in their order; a column that a part lacks is empty there."""
    return pa.concat_tables(parts, promote_options="permissive")
