"""A sampler that stops working after a few seconds, by which is told how long all of it takes."""

import time
from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor

from pipeline.base.cells import Trained
from pipeline.networks.network import Network
from pipeline.sampling.parts import Draw, DrawStrings, Sampler
from pipeline.sampling.settings import Generation

_FEWEST = 2
"""Calls of a network that are timed in any case, as the first one takes longer than others."""


class BriefNetwork:
    """A network that works for some seconds, and then gives its last outputs again and again.

    So a sampler makes as many calls as with the network itself.

    Args:
        network: called with x_t, t and perhaps positions, as by samplers.
        seconds: how long it works.
    """

    def __init__(self, network: Callable[..., Tensor], seconds: float) -> None:
        self._network, self._seconds = network, seconds
        self._worked: list[float] = []
        self._idle = 0
        self._last = torch.empty(0)

    def __call__(self, xt: Tensor, t: Tensor, *positions: Tensor) -> Tensor:
        """Outputs, [R, n, d, k], or at int64 positions [R, n, m] alone, [R, n, m, k]."""
        if sum(self._worked) >= self._seconds and len(self._worked) >= _FEWEST:
            self._idle += 1
            (places,) = positions or (xt,)
            return self._last[..., :1, :].expand(*places.shape, -1)
        began = time.monotonic()
        self._last = self._network(xt, t, *positions)
        if xt.is_cuda:
            torch.cuda.synchronize()
        self._worked.append(time.monotonic() - began)
        return self._last

    logits_at = __call__

    @property
    def left_out(self) -> float:
        """Seconds that its work would have taken in those calls in which it did none."""
        return self._idle * _mean(self._worked)


class BriefSampler:
    """A domain's `sampler` part that draws batches for some seconds; later ones are like the first.

    Args:
        part: the domain's own.
        seconds: how long it draws, and how long the network works.
    """

    def __init__(self, part: Sampler[Network, Generation, Trained], seconds: float) -> None:
        self._part, self._seconds = part, seconds
        self._networks: list[BriefNetwork] = []
        self._drawn: list[float] = []
        self._copied = 0.0
        self._first = torch.empty(0)
        self.batch_size, self.string_length = part.batch_size, part.string_length

    def build_sampler(
        self, sampling: Generation, settings: Trained, network: Network
    ) -> DrawStrings:
        """Map from a source of random numbers to strings, of which most are copies."""
        brief = BriefNetwork(network, self._seconds)
        draw_batch = self._part.build_sampler(sampling, settings, cast("Any", brief))
        self._networks.append(brief)

        def draw_strings(draw: Draw) -> Tensor:
            if sum(self._drawn) >= self._seconds:
                strings = draw(0).shape[1]
                self._copied += strings / self._first.shape[1]
                return self._first[:, :strings]
            began, before = time.monotonic(), brief.left_out
            tokens = draw_batch(draw)
            if not self._drawn:
                self._first = tokens
            share = tokens.shape[1] / self._first.shape[1]
            self._drawn.append((time.monotonic() - began + brief.left_out - before) / share)
            return tokens

        return draw_strings

    @property
    def left_out(self) -> float:
        """Seconds of all that was not done, in batches that were drawn and in copies."""
        idle = sum(network.left_out for network in self._networks)
        return idle + self._copied * _mean(self._drawn)


def _mean(seconds: list[float]) -> float:
    """Mean without the first, in which things are made ready, if there are others; 0 of none."""
    counted = seconds[1:] or seconds
    return sum(counted) / max(1, len(counted))
