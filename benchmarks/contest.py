"""Our way of doing something against the plain way, side by side in one process.

Rounds alternate, so what else the machine does falls on both sides, and the ratio of two times that
follow each other says more than either.
"""

import math
import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection

ROUNDS = 3
"""Least number of rounds."""
LONG = 10.0
"""Seconds from which on a run needs no warming up, so that its first one counts."""


@dataclass(frozen=True)
class Side:
    """One way of doing the work.

    Attributes:
        name: what it is, in a few words.
        run: does the work once.
    """

    name: str
    run: Callable[[], object]


@dataclass(frozen=True)
class Contest:
    """A piece of work and two ways of doing it.

    Attributes:
        what: the work and its size.
        ours: this repository's way.
        plain: the way of an ordinary competent user.
        amount: how much of `unit` one run does.
        unit: what is counted, in the plural.
        goal: least speed-up asked for.
        note: a fact that bounds it, or that the reader of the number must know.
        ours_amount: how much one run of ours does, where it is not `amount`.
    """

    what: str
    ours: Side
    plain: Side
    amount: float
    unit: str
    goal: float
    note: str = ""
    ours_amount: float | None = None


@dataclass(frozen=True)
class Line:
    """What a contest gave: a line of the table.

    Attributes:
        what: the work and its size.
        ours: name of our way.
        plain: name of the plain way.
        unit: what is counted.
        goal: least speed-up asked for.
        note: see `Contest`.
        ours_seconds: our time per unit, round by round.
        plain_seconds: time per unit of the plain way, round by round.
        ours_memory_mb: peak of a process that does our work once, with what was prepared for both.
        plain_memory_mb: likewise, of the plain way.
    """

    what: str
    ours: str
    plain: str
    unit: str
    goal: float
    note: str
    ours_seconds: list[float]
    plain_seconds: list[float]
    ours_memory_mb: float
    plain_memory_mb: float

    @property
    def rounds(self) -> int:
        """How often either side ran."""
        return len(self.ours_seconds)

    @property
    def ours_rate(self) -> float:
        """Units per second, geometric mean over rounds."""
        return 1 / statistics.geometric_mean(self.ours_seconds)

    @property
    def plain_rate(self) -> float:
        """Units per second of the plain way, geometric mean over rounds."""
        return 1 / statistics.geometric_mean(self.plain_seconds)

    @property
    def speed_up(self) -> float:
        """Plain time over ours, geometric mean over rounds."""
        return self.ours_rate / self.plain_rate

    @property
    def low(self) -> float:
        """Lower 95 % bound of the speed-up: t interval of the logarithm."""
        return self.speed_up / self._factor()

    @property
    def high(self) -> float:
        """Upper 95 % bound of the speed-up."""
        return self.speed_up * self._factor()

    @property
    def met(self) -> bool:
        """Whether the speed-up is what was asked for."""
        return self.speed_up >= self.goal

    def plain_values(self) -> dict[str, object]:
        """Everything as JSON values."""
        derived = ("rounds", "ours_rate", "plain_rate", "speed_up", "low", "high", "met")
        return {**asdict(self), **{name: getattr(self, name) for name in derived}}

    def _factor(self) -> float:
        from scipy.stats import t as student  # late: its memory would be that of the contestants

        pairs = zip(self.plain_seconds, self.ours_seconds, strict=True)
        logarithms = [math.log(plain / ours) for plain, ours in pairs]
        error = statistics.stdev(logarithms) / math.sqrt(self.rounds)
        return math.exp(student.ppf(0.975, self.rounds - 1) * error)


def compete(
    contest: Contest, seconds: float = 15.0, clock: Callable[[], float] = time.perf_counter
) -> Line:
    """Run both sides in turn, after one run of each that only counts if it is long.

    Args:
        contest: what to do.
        seconds: time to spend on rounds; more where `ROUNDS` of them take longer.
        clock: seconds since any moment.
    """
    ours, plain = contest.ours, contest.plain
    (ours_first, ours_memory), (plain_first, plain_memory) = (
        run_apart(side.run, clock) for side in (ours, plain)
    )
    times = [ours_first], [plain_first]
    if min(ours_first, plain_first) < LONG:
        times = [], []
        ours.run()
        plain.run()
    _alternate((ours.run, plain.run), times, seconds, clock)
    amounts = contest.ours_amount or contest.amount, contest.amount
    per_unit = [
        [time / amount for time in side] for side, amount in zip(times, amounts, strict=True)
    ]
    names = contest.what, ours.name, plain.name, contest.unit, contest.goal, contest.note
    return Line(*names, *per_unit, ours_memory, plain_memory)


def _alternate(
    runs: tuple[Callable, Callable],
    times: tuple[list[float], list[float]],
    seconds: float,
    clock: Callable[[], float],
) -> None:
    """Add times of both, round by round; who begins changes from each round to the next."""
    while len(times[0]) < ROUNDS or sum(map(sum, times)) < seconds:
        order = (0, 1) if len(times[0]) % 2 == 0 else (1, 0)
        for side in order:
            start = clock()
            runs[side]()
            times[side].append(clock() - start)


def run_apart(
    run: Callable[[], object], clock: Callable[[], float] = time.perf_counter
) -> tuple[float, float]:
    """Seconds, and peak resident MB, of a fork of this process that does `run`.

    The peak is that of its largest child, where that is larger.

    Raises:
        RuntimeError: it failed.
    """
    context = get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_report, args=(run, clock, sender))
    child.start()
    child.join()
    if child.exitcode != 0:
        raise RuntimeError(f"a contestant failed with exit status {child.exitcode}")
    return receiver.recv()


def _report(run: Callable[[], object], clock: Callable[[], float], sender: Connection) -> None:
    start = clock()
    run()
    seconds, whose = clock() - start, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    sender.send((seconds, max(resource.getrusage(who).ru_maxrss for who in whose) * 1024 / 1e6))
