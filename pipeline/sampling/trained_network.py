"""A trained network at hand: samples, estimates, activations, without any stage of the workflow."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from pipeline.artifacts.samples import cell_name
from pipeline.artifacts.tensors import Artifact
from pipeline.artifacts.upstream import settings_in
from pipeline.base.cells import Trained
from pipeline.base.device import choose_device
from pipeline.base.device_randomness import uniforms_on
from pipeline.base.errors import PipelineError
from pipeline.base.labels import Replica
from pipeline.base.randomness import stream_key
from pipeline.networks.network import Network
from pipeline.networks.restore import restore_network
from pipeline.sampling.generate import sample_network
from pipeline.sampling.parts import Model, Sampler
from pipeline.sampling.settings import Generation

_Network = TypeVar("_Network", bound=Network)
_Settings = TypeVar("_Settings", bound=Trained)
_Sampling = TypeVar("_Sampling", bound=Generation)


class TrainedNetwork(ABC, Generic[_Network, _Settings, _Sampling]):
    """The network of a checkpoint, or the ensemble of replicas that trained together.

    Arrays of tokens are [R, N, d], with an axis for the R replicas also where there is one; what is
    given as [N, d] goes to each of them. Nothing here keeps gradients; `module` can.

    Args:
        checkpoint: as read from disk.
        model: the domain's `model` part.
        sampler: the domain's `sampler` part.
        sampling: section of the config.
        average: decay of the average of weights to load; none for the weights of the step itself.

    Attributes:
        settings: of the training: noise, network, optimisation, and the cell.
        step: of the training.
        sampling: how samples are drawn unless it is said otherwise.
        module: the network, a PyTorch module on `device`.
        noise: the forward process that it was trained for.
        device: the GPU if there is one.
    """

    def __init__(
        self,
        checkpoint: Artifact,
        model: Model[_Network, _Settings],
        sampler: Sampler[_Network, _Sampling, _Settings],
        sampling: _Sampling,
        average: float | None = None,
    ) -> None:
        self.device = choose_device()
        self.module = restore_network(model, checkpoint, self.device, average)
        self.settings = settings_in(checkpoint.stamp["spec"], checkpoint.path, model.TRAINED)
        self.step: int = checkpoint.stamp["step"]
        self.noise, self.sampling = model.build_noise(self.settings), sampling
        self._model, self._sampler, self._checkpoint = model, sampler, checkpoint

    def __repr__(self) -> str:
        domain, network = self._checkpoint.stamp["spec"]["domain"], type(self.module).__name__
        weights = sum(weight.numel() for weight in self.module.parameters())
        count = len(self.replicas)
        return (
            f"<{domain} network at step {self.step}: {network}, {weights:,} weights in {count} "
            f"replica{'s' if count > 1 else ''}; {cell_name(self.settings.cell)}>"
        )

    @property
    def replicas(self) -> list[Replica]:
        """Seeds of the replicas, in their order."""
        return self.settings.cell.replicas

    @property
    def sources(self) -> list[Path]:
        """Files of the setting that belong to the network, where they are at hand."""
        return [path for name in self._source_names() if (path := self._beside(name))]

    def sample(self, count: int, **changes: Any) -> np.ndarray:  # noqa: ANN401 # keys of a section
        """Draw tokens [R, count, d]; with the same settings, the workflow's own samples come first.

        Args:
            count: samples of every replica.
            changes: other values than those of `sampling`, such as `seed` or `steps`.
        """
        sampling = type(self.sampling).of(self.sampling, **changes)
        parts = self._model, self._sampler, self.settings
        return sample_network(self.module, sampling, *parts, count, self.device)

    def corrupt(self, x0: ArrayLike, t: ArrayLike, seed: int = 0) -> np.ndarray:
        """Draw x_t given clean tokens: [R, N, d] of symbols, or of numbers of Gaussian noise.

        Args:
            x0: clean tokens [N, d] or [R, N, d].
            t: a level, or one for every string.
            seed: of the noise; every replica has noise of its own.
        """
        clean, levels = self._inputs(x0, t, self.noise.symbols)
        keys = [stream_key(seed, key, "corruption") for key in self._keys()]
        streams = np.array(keys, dtype=np.uint64)[:, None, None, None]
        count, length = clean.shape[1:]
        places = np.arange(count)[:, None, None], np.arange(length)[:, None], np.arange(2)
        uniforms = uniforms_on(self.device, streams, *places)
        return self.noise.corrupt(clean, levels, uniforms).cpu().numpy()

    def denoise(self, xt: ArrayLike, t: ArrayLike) -> np.ndarray:
        """What the network makes of corrupted tokens: see the domain's class.

        Args:
            xt: corrupted tokens [N, d] or [R, N, d].
            t: a level, or one for every string.
        """
        with torch.inference_mode():
            parts = [self._estimate(self.module(x, u), x, u) for x, u in self._batches(xt, t)]
        return torch.cat(parts, dim=1).cpu().numpy()

    def hidden(self, xt: ArrayLike, t: ArrayLike) -> dict[str, np.ndarray]:
        """Outputs of the network's blocks, [R, N, ...], by name; arguments as of `denoise`."""
        found: dict[str, list[Tensor]] = {}
        with torch.inference_mode():
            for x, u in self._batches(xt, t):
                for name, output in self._activations(x, u):
                    found.setdefault(name, []).append(output.float())
        return {name: torch.cat(parts, dim=1).cpu().numpy() for name, parts in found.items()}

    def decode(self, tokens: np.ndarray) -> Any:  # noqa: ANN401 # text, pictures, trees
        """Tokens [N, d] of one replica as people look at them.

        Raises:
            PipelineError: tokens are of all replicas, or of strings of another length.
        """
        length, shape = self._sampler.string_length(self.settings), np.shape(tokens)
        if len(shape) != 2 or shape[1] != length:
            raise PipelineError(
                f"tokens have the shape {shape}: decode takes those of one replica, [N, {length}]; "
                "of what sample returns, choose tokens[0] for the first"
            )
        return self._decode(tokens)

    @abstractmethod
    def _decode(self, tokens: np.ndarray) -> Any:  # noqa: ANN401 # as above
        """The same of tokens that have the right shape."""

    @abstractmethod
    def _estimate(self, outputs: Tensor, xt: Tensor, t: Tensor) -> Tensor:
        """Estimate of x_0 from the outputs of the network, [R, n, ...]."""

    @abstractmethod
    def _source_names(self) -> list[str]:
        """Names of files of the setting that the network's data came from."""

    def _activations(self, xt: Tensor, t: Tensor) -> Iterator[tuple[str, Tensor]]:
        """Outputs of all modules that stand in a list; these have one replica and no axis of it."""
        found: list[tuple[str, Tensor]] = []

        def keep(name: str) -> Callable[[nn.Module, Any, Tensor], None]:
            return lambda _module, _inputs, output: found.append((name, output[None]))

        lists = {name for name, m in self.module.named_modules() if isinstance(m, nn.ModuleList)}
        blocks = {n: m for n, m in self.module.named_modules() if n.rpartition(".")[0] in lists}
        hooks = [block.register_forward_hook(keep(name)) for name, block in blocks.items()]
        try:
            self.module(xt, t)
        finally:
            for hook in hooks:
                hook.remove()
        return iter(found)

    def _keys(self) -> list[int]:
        return self._model.replica_keys(self.settings)

    def _beside(self, name: str) -> Path | None:
        """A file of the setting: beside an exported network, or in the directory of the run."""
        path = self._checkpoint.path.absolute()
        # Above a file of a run: checkpoints, replicas, dataset size, and then the setting.
        homes = [path.parent, *path.parents[3:4]]
        return next((home / name for home in homes if (home / name).is_file()), None)

    def _inputs(self, tokens: ArrayLike, t: ArrayLike, symbols: int) -> tuple[Tensor, Tensor]:
        """Tokens [R, N, d], each one of so many symbols or a number, and levels [R, N], as tensors.

        Raises:
            PipelineError: a token or a level is none of the noise.
        """
        strings = torch.as_tensor(np.asarray(tokens)).to(self.device)
        strings = strings.float() if strings.is_floating_point() else strings.long()
        if not strings.is_floating_point() and ((strings < 0) | (strings >= symbols)).any():
            raise PipelineError(f"tokens of this noise are between 0 and {symbols - 1}")
        shape = (len(self.replicas), *strings.shape[-2:])
        levels = torch.as_tensor(np.asarray(t)).to(self.device)
        levels = levels.double() if levels.is_floating_point() else levels.long()
        if ((levels < 0) | (levels > self.noise.levels)).any():
            raise PipelineError(f"t: levels of this noise are between 0 and {self.noise.levels}")
        return strings.expand(shape), levels.expand(shape[:2])

    def _batches(self, tokens: ArrayLike, t: ArrayLike) -> Iterator[tuple[Tensor, Tensor]]:
        symbols = getattr(self.noise, "input_symbols", self.noise.symbols)
        strings, levels = self._inputs(tokens, t, symbols)
        size = self._sampler.batch_size(self.settings, self.device)
        pairs = zip(strings.split(size, dim=1), levels.split(size, dim=1), strict=True)
        return cast("Iterator[tuple[Tensor, Tensor]]", pairs)
