"""Tokenisation: `pipeline.text.corpus` against plain `datasets.map`, on the same generated text.

    python benchmarks/tokenization.py [--megabytes 1000] [--scratch DIRECTORY]

Prints the speed and the peak memory of either for characters and for a BPE of 4096 tokens, its
training included, from text files to blocks of 128 tokens on disk, each in a process of its own.
The peak of `datasets` has pages of the files that it maps. Needs four times the text on disk, and
with `datasets` forty times.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import chain
from pathlib import Path

import numpy as np

from pipeline.base.randomness import stream_key, uniforms
from pipeline.base.spec import Spec
from pipeline.config.text import vocabulary_size
from pipeline.sources.settings import DirectorySource
from pipeline.text.corpus.build import make_corpus
from pipeline.text.corpus.tokenizer import build_tokenizer
from pipeline.text.settings import Characters, CorpusSettings, TrainedBpe

FILE, CONTEXT, WORDS, LINE = 500_000, 128, 50_000, 100
TOKENIZERS = {
    "characters": Characters(kind="characters", alphabet=" abcdefghijklmnopqrstuvwxyz"),
    "bpe": TrainedBpe(kind="bpe", vocabulary_size=4096),
}
LIBRARIES = ("pipeline.text.corpus", "datasets.map")


def vocabulary() -> np.ndarray:
    """`WORDS` random words of 2 to 10 letters."""
    lengths = 2 + (9 * uniforms(stream_key("lengths"), np.arange(WORDS))).astype(int)
    draws = uniforms(stream_key("letters"), np.arange(WORDS)[:, None], np.arange(10))
    letters = (ord("a") + (26 * draws).astype(np.uint8)).view("S10").ravel()
    words = [word[:size].decode() for word, size in zip(letters, lengths, strict=True)]
    return np.array(words, dtype=object)


def write_text(directory: Path, megabytes: int) -> None:
    """Files of half a megabyte of words, whose frequencies fall as 1 / rank, in lines of 100."""
    words = vocabulary()
    for number in range(megabytes * 1_000_000 // FILE):
        draws = uniforms(stream_key("text", number), np.arange(FILE // 6))
        # Numbers WORDS**u with uniform u have a density of 1 / x.
        chosen = words[(WORDS**draws).astype(int) - 1]
        lines = (" ".join(chosen[i : i + LINE]) for i in range(0, len(chosen), LINE))
        (directory / f"{number:06}.txt").write_text("\n".join(lines)[:FILE])


def run_pipeline(directory: Path, kind: str) -> None:
    """Stage `corpus`."""
    tokenizer = TOKENIZERS[kind]
    settings = CorpusSettings(
        source=DirectorySource(kind="directory", path=f"{directory}", files="*.txt"),
        tokenizer=tokenizer,
        context=CONTEXT,
        validation_fraction=0.1,
        split_seed=0,
        content=None,
        vocabulary_size=vocabulary_size(tokenizer),
    )
    spec = Spec("corpus", "text", settings, {"settings": settings.plain()})
    inputs = sorted(directory.glob("*.txt"))
    make_corpus(spec, inputs, directory / "tokens", directory / f"{kind}.json")


def run_datasets(directory: Path, kind: str) -> None:
    """The usual recipe: train on all lines, tokenise them, join and cut, one `map` each."""
    from datasets import load_dataset

    files, cache = f"{directory}/*.txt", f"{directory}/cache"
    lines = load_dataset("text", data_files=files, split="train", cache_dir=cache)
    texts = (row["text"] for row in lines)
    tokenizer = build_tokenizer(TOKENIZERS[kind], lambda: texts, [])
    tokens = lines.map(
        lambda rows: {"ids": [code.ids for code in tokenizer.encode_batch(rows["text"])]},
        batched=True,
        remove_columns="text",
    )
    blocks = tokens.map(lambda rows: {"ids": list(blocks_of(rows["ids"]))}, batched=True)
    blocks.save_to_disk(directory / "blocks")


def blocks_of(rows: list[list[int]]) -> Iterator[list[int]]:
    """Rows of tokens joined, then cut."""
    joined = list(chain.from_iterable(rows))
    return (joined[i : i + CONTEXT] for i in range(0, len(joined) - CONTEXT + 1, CONTEXT))


def measure(library: str, kind: str, directory: Path) -> dict[str, float]:
    """Seconds and peak MB of one case, in this process."""
    start = time.perf_counter()
    {"pipeline.text.corpus": run_pipeline, "datasets.map": run_datasets}[library](directory, kind)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    return {"seconds": time.perf_counter() - start, "peak": peak}


def measure_apart(library: str, kind: str, directory: Path) -> dict[str, float]:
    """`measure` in a new process."""
    case = [sys.executable, __file__, "--case", library, kind, directory]
    return json.loads(subprocess.run(case, stdout=subprocess.PIPE, check=True).stdout)


def compare(directory: Path, kind: str, megabytes: int) -> None:
    """Print a line per library, and one for their ratio."""
    found = []
    for library in LIBRARIES:
        if library == "datasets.map" and find_spec("datasets") is None:
            print(f"{kind:10} {library}: install it with: pip install datasets")
            return
        found.append(measure_apart(library, kind, directory))
        speed, peak = megabytes / found[-1]["seconds"], found[-1]["peak"]
        print(f"{kind:10} {library:16} {speed:6.2f} MB/s, peak {peak:6.0f} MB")
    speed, peak = (found[1][measure] / found[0][measure] for measure in ("seconds", "peak"))
    print(f"{kind:10} {LIBRARIES[0]} is {speed:.1f} times as fast in {1 / peak:.2f} of the memory")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--scratch", type=Path)
    parser.add_argument("--case", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.case:
        library, kind, directory = args.case
        print(json.dumps(measure(library, kind, Path(directory))))
        return
    with tempfile.TemporaryDirectory(dir=args.scratch) as directory:
        write_text(Path(directory), args.megabytes)
        for kind in TOKENIZERS:
            compare(Path(directory), kind, args.megabytes)


if __name__ == "__main__":
    main()
