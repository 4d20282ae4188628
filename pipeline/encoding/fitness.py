"""Whether an encoder does what is needed of it: features that are maps of an image, and its own."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

_PLACES = 16
"""Places of an image that are changed, one at a time."""
_BATCH = 4
"""Images at once."""


@torch.inference_mode()
def check_encoder(network: nn.Module, size: int, layers: Sequence[int]) -> None:
    """Refuse an encoder whose features depend on chance, or are not where the image is.

    Where a place of the image is changed, features of that place must change more than they do
    where another place is changed: for more than half of the places of every layer, since in deep
    layers all depends on all.

    Args:
        network: gives features [B, C, h, w] of layers for images [B, 3, size, size] in 0..255.
        size: pixels of a side.
        layers: those whose features are wanted.

    Raises:
        ValueError: a layer is not as it must be.
    """
    generator = torch.Generator().manual_seed(0)
    image = 255 * torch.rand(1, 3, size, size, generator=generator)
    base, again = (network(image, layers) for _ in range(2))
    for layer in layers:
        if not torch.allclose(base[layer], again[layer], rtol=1e-3, atol=1e-5):
            raise ValueError(f"layer {layer} has other features each time an image is seen")
        if base[layer].ndim != 4 or base[layer].shape[2] != base[layer].shape[3]:
            raise ValueError(f"layer {layer} has no square maps, but {tuple(base[layer].shape)}")
    sides = [side for layer in layers if (side := base[layer].shape[2]) > 1]
    if sides:
        _check_places(network, image, base, min(*sides, size), generator)


def _check_places(
    network: nn.Module,
    image: Tensor,
    base: Mapping[int, Tensor],
    side: int,
    generator: torch.Generator,
) -> None:
    """Change some places of a grid of `side` x `side`, and look where features change."""
    places = torch.randperm(side**2, generator=generator)[:_PLACES]
    changed = [_changed(image, int(place), side) for place in places]
    found: dict[int, list[Tensor]] = {layer: [] for layer in base}
    for start in range(0, len(changed), _BATCH):
        features = network(torch.cat(changed[start : start + _BATCH]), list(base))
        for layer, maps in features.items():
            change = (maps - base[layer]).square().sum(1, keepdim=True)
            found[layer].append(adaptive_avg_pool2d(change, side).flatten(1)[:, places])
    for layer, parts in found.items():
        changes = torch.cat(parts)  # [changed place, place that is looked at]
        own = changes.diagonal() == changes.amax(0)
        if base[layer].shape[2] > 1 and 2 * int((own & (changes.amax(0) > 0)).sum()) <= len(places):
            raise ValueError(
                f"features of layer {layer} are not at the places of the image that they are of"
            )


def _changed(image: Tensor, place: int, side: int) -> Tensor:
    """The image with one place of a grid in other colours."""
    edges = [number * image.shape[2] // side for number in range(side + 1)]
    row, column = divmod(place, side)
    rows, columns = (slice(edges[n], edges[n + 1]) for n in (row, column))
    other = image.clone()
    other[..., rows, columns] = 255 - other[..., rows, columns]
    return other
