"""Pretrained models: made ready once, in a directory each, then loaded from there.

Weights are safetensors, never pickles, and a model that brings code of its own is refused. Beside
them a record, which is sealed, says which model it is: `id`, `revision`, facts about it, and
`sha256` of each file, as config, tokenizer and preprocessing decide on what a model gives as much
as its weights do.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.artifacts.files import replacing_directory
from pipeline.artifacts.seals import SealError, read_sealed, write_sealed
from pipeline.base.errors import PipelineError, one_line
from pipeline.sources.archives import check_pin, file_hash
from pipeline.sources.placeholders import refuse_placeholder_file
from pipeline.sources.settings import DirectoryModel, HubModel, Package

_WEIGHTS = "model*.safetensors"
_INDEX = "model.safetensors.index.json"
_FILES = (_WEIGHTS, _INDEX, "config.json")


@dataclass(frozen=True)
class Role:
    """What a pretrained model is used as.

    Attributes:
        noun: what it is called in messages.
        article: that of the noun, a or an.
        key: section of the config that chooses it.
        files: glob patterns of what it needs beside its weights.
    """

    noun: str
    article: str
    key: str
    files: tuple[str, ...]

    @property
    def record(self) -> str:
        """File that says which model a directory holds; written last."""
        return f"{self.noun}.json"

    @contextmanager
    def preparing(self, output: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
        """Yield an empty directory, and a record that is completed with the hashes of its files.

        The directory becomes `output`, in place of an older one, if the block succeeds.
        """
        facts: dict[str, Any] = {}
        with replacing_directory(output) as directory:
            yield directory, facts
            facts["sha256"] = self._hashes(directory)
            write_sealed(directory / self.record, facts)

    def archive(self, package: Package, given: Path | None) -> Path:
        """The package of a model that comes in one.

        Raises:
            PipelineError: there is none, or it is not the one that is pinned.
        """
        archive = self._fetched(given)
        check_pin(archive, package.sha256)
        return archive

    def link_hub_model(
        self, model: HubModel, given: Path | None, directory: Path
    ) -> dict[str, Any]:
        """Link a model that was fetched from the hub; its `id` and `revision`.

        Args:
            model: which one.
            given: directory that `fetch_hub_model` has made.
            directory: gets the links.

        Raises:
            PipelineError: it was not fetched, is gone from the hub's cache, or has no safetensors.
        """
        fetched = self._fetched(given)
        (snapshot,) = fetched.iterdir()
        if not snapshot.exists():
            raise PipelineError(
                f"{self.key}: {snapshot} is a link to nothing, as the hub's cache no longer has "
                f"{model.model}; delete {fetched} to have it fetched anew"
            )
        self._link(snapshot, directory)
        return {"id": model.model, "revision": snapshot.name}

    def link_directory(self, model: DirectoryModel, directory: Path) -> dict[str, Any]:
        """Link a model from a directory of the user's own, `path`; its `id` and `revision`.

        Raises:
            PipelineError: it holds no safetensors.
        """
        self._link(Path(model.path), directory)
        return {"id": model.path, "revision": None}

    def read_record(self, directory: Path) -> dict[str, Any]:
        """The record of a directory that was made by `preparing`.

        Raises:
            ValueError: some file is another by now, or the record itself is.
            OSError: there is no record.
        """
        try:
            record = read_sealed(directory / self.record)
        except SealError as error:
            raise ValueError(f"{self.record} {error}") from error
        made, found = record["sha256"], self._hashes(directory)
        others = [name for name in made | found if made.get(name) != found.get(name)]
        if others:
            raise ValueError(
                f"files are not those that {self.record} names, {min(others)} is another"
            )
        return record

    def _fetched(self, given: Path | None) -> Path:
        """What was fetched of a model; raises PipelineError if nothing was."""
        if given is None:
            raise PipelineError(f"{self.key}: this kind is fetched; give what came as --archive")
        return given

    def _hashes(self, directory: Path) -> dict[str, str]:
        """SHA-256 of each file, but for the record and what is being written."""
        paths = [path for path in sorted(directory.iterdir()) if not path.name.startswith(".")]
        return {path.name: file_hash(path) for path in paths if path.name != self.record}

    @contextmanager
    def refusing(self, name: str | Path, remedy: str) -> Iterator[None]:
        """Name the model that fails to load; the libraries' errors are of no common type."""
        try:
            yield
        except PipelineError:  # which names what is wrong
            raise
        except Exception as error:
            raise PipelineError(
                f"{name} cannot be loaded as {self.article} {self.noun} ({one_line(error)}); "
                f"{remedy} {self.key}"
            ) from error

    def _link(self, source: Path, directory: Path) -> None:
        """Link the files of a model; a copy would cost as much disk as the model."""
        paths = [path for pattern in (*_FILES, *self.files) for path in source.glob(pattern)]
        if not any(path.match(_WEIGHTS) for path in paths):
            raise PipelineError(
                f"{self.key}: {source} holds no {_WEIGHTS}; choose another {self.noun}"
            )
        for path in paths:
            refuse_placeholder_file(path)
            (directory / path.name).symlink_to(path.resolve())
        self._check_index(source / _INDEX)

    def _check_index(self, index: Path) -> None:
        """Refuse an index of weights that are in no file of this directory."""
        if not index.exists():
            return
        try:
            named = set(json.loads(index.read_text())["weight_map"].values())
        except Exception as error:  # whatever may be wrong with JSON from outside
            reason = one_line(error)
            raise PipelineError(
                f"{self.key}: {index} cannot be read ({reason}); choose another {self.noun}"
            ) from error
        known = {path.name for path in index.parent.glob(_WEIGHTS)}
        if others := sorted(map(str, named - known)):
            raise PipelineError(
                f"{self.key}: {index} names {others[0]!r}, which is no {_WEIGHTS} beside it; "
                f"choose another {self.noun}"
            )


def load_whole(model_class: Any, directory: Path, **options: Any) -> Any:  # noqa: ANN401
    """A model of transformers, from safetensors, all of whose weights are there.

    Args:
        model_class: one that has `from_pretrained`.
        directory: holds the model.
        options: more of its arguments.

    Raises:
        ValueError: weights are missing or of another shape.
    """
    model, found = model_class.from_pretrained(
        directory,
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
        ignore_mismatched_sizes=True,
        output_loading_info=True,
        **options,
    )
    lacking = {*found["missing_keys"], *(key for key, *_ in found["mismatched_keys"])}
    if lacking:  # which the library fills with random numbers
        raise ValueError(f"weights lack {min(lacking)} in the shape that config.json asks for")
    return model
