"""Whether an encoder does what is needed of it: features that are maps of an image, and its own."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

_PLACES = 16
"""Places of an image that are changed, one at a time."""
_GRID = 14
"""Places along a side, at most; a place of finer maps is several of theirs."""
_LEAST = 0.6
"""Change by the place itself over the largest change: 0.76 or more was seen of sound networks, of
all sizes and depths, trained or not, and 0.5 or less where maps were transposed or shifted."""
_BATCH = 4
"""Images at once."""


@torch.inference_mode()
def check_encoder(network: nn.Module, size: int, layers: Sequence[int]) -> None:
    """Refuse an encoder whose features depend on chance, or are not where the image is.

    Places are tried in the first layer of every size of maps: later ones are mapped alike, and in
    the deepest all may depend on all.

    Args:
        network: gives features [B, C, h, w] of layers for images [B, 3, size, size] in 0..255.
        size: pixels of a side.
        layers: those whose features are wanted.

    Raises:
        ValueError: a layer is not as it must be.
    """
    generator = torch.Generator().manual_seed(0)
    image = 255 * torch.rand(1, 3, size, size, generator=generator)
    base, again = (network(image, range(max(layers) + 1)) for _ in range(2))
    first_of_side: dict[int, int] = {}
    for layer, maps in base.items():
        if not torch.allclose(maps, again[layer], rtol=1e-3, atol=1e-5):
            raise ValueError(f"layer {layer} has other features each time it sees an image")
        if maps.ndim != 4 or maps.shape[2] != maps.shape[3]:
            raise ValueError(f"layer {layer} has no square maps, but {tuple(maps.shape)}")
        first_of_side.setdefault(maps.shape[2], layer)
    for side, layer in first_of_side.items():
        if side > 1:
            _check_places(network, image, base[layer], layer, generator)


def _check_places(
    network: nn.Module, image: Tensor, base: Tensor, layer: int, generator: torch.Generator
) -> None:
    """Change some places, and see where features change.

    The features of a place should change most when that place is changed. Where all depends on all
    they may change a little more with another one; if, on average, much more, places differ.
    """
    side = min(base.shape[2], _GRID)
    places = torch.randperm(side**2, generator=generator)[:_PLACES]
    changes = []
    for batch in places.split(_BATCH):
        images = torch.cat([_changed(image, int(place), side) for place in batch])
        change = (network(images, [layer])[layer] - base).double().square().sum(1, keepdim=True)
        changes.append(adaptive_avg_pool2d(change, side).flatten(1))
    found = torch.cat(changes)  # [changed place, place that is looked at]
    if not found.sum(1).all():
        raise ValueError(f"features of layer {layer} do not depend on the image")
    shares = (found / found.sum(1, keepdim=True))[:, places]
    if shares.diagonal().sum() < _LEAST * shares.amax(0).sum():
        raise ValueError(
            f"features of layer {layer} do not lie at the places of the image that they describe"
        )


def _changed(image: Tensor, place: int, side: int) -> Tensor:
    """The image with one place of a grid of `side` x `side` in the opposite colours."""
    edges = [number * image.shape[2] // side for number in range(side + 1)]
    rows, columns = (slice(edges[n], edges[n + 1]) for n in divmod(place, side))
    other = image.clone()
    other[..., rows, columns] = 255 - other[..., rows, columns]
    return other
