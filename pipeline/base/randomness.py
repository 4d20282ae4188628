"""Counter-based random numbers: every draw is a pure function of a seed path and coordinates.

There is no generator to carry along, so a draw does not depend on the batch it was made in, on
the number of processes or on where a run was resumed. The mixer is the finaliser of SplitMix64
(Steele, Lea & Flood 2014), chained over the coordinates.
"""

import hashlib

import numpy as np

INCREMENT = np.uint64(0x9E3779B97F4A7C15)
MULTIPLIER_1 = np.uint64(0xBF58476D1CE4E5B9)
MULTIPLIER_2 = np.uint64(0x94D049BB133111EB)


def stream_key(*path: int | str) -> int:
    """64-bit key of the stream named by `path`, e.g. `stream_key(seed, "training", "noise")`."""
    name = "/".join(f"{type(part).__name__}:{part}" for part in path)
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little")


def hash64(key: int | np.ndarray, *coordinates: int | np.ndarray) -> np.ndarray:
    """Hash non-negative integer coordinates, broadcast against each other.

    The hash of some coordinates is a key for those that follow: `hash64(hash64(k, i), j)` is
    `hash64(k, i, j)`.

    Args:
        key: stream key, or an array of them.
        coordinates: integers or integer arrays; small shapes first is fastest.

    Returns:
        uint64 array of the broadcast shape (at least one-dimensional).
    """
    word = np.atleast_1d(np.asarray(key, dtype=np.uint64))
    for coordinate in coordinates:
        counter = np.atleast_1d(np.asarray(coordinate)).astype(np.uint64)
        # + 1, as SplitMix64 adds its increment before it mixes: coordinate 0 must count too.
        word = word + (counter + np.uint64(1)) * INCREMENT
        word = (word ^ (word >> np.uint64(30))) * MULTIPLIER_1
        word = (word ^ (word >> np.uint64(27))) * MULTIPLIER_2
        word = word ^ (word >> np.uint64(31))
    return word


def uniforms(key: int | np.ndarray, *coordinates: int | np.ndarray) -> np.ndarray:
    """Like `hash64`, as float64 numbers uniform on [0, 1) with 53 random bits."""
    return (hash64(key, *coordinates) >> np.uint64(11)) * 2.0**-53


def permutation(size: int, *path: int | str) -> np.ndarray:
    """Random permutation of `range(size)` as an int64 array, a pure function of `path`."""
    return np.argsort(hash64(stream_key(*path), np.arange(size)), kind="stable")
