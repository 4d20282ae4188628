"""How cost grows: times at several sizes, and the power of the size that they follow."""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True)
class Curve:
    """Numbers at several sizes, a curve in a panel of the figure.

    Attributes:
        panel: title of the panel, shared by the curves in it.
        x_name: what varies, with its unit.
        y_name: what was measured, with its unit.
        x: sizes, positive and increasing.
        y: what was measured there, positive.
        label: name of the curve in the panel's legend.
        low: lower 95 % bounds of `y`, where there are any.
        high: upper bounds.
        is_power_law: whether to fit the slope of log y against log x.
    """

    panel: str
    x_name: str
    y_name: str
    x: list[float]
    y: list[float]
    label: str = ""
    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)
    is_power_law: bool = True

    def slope(self) -> tuple[float, float, float]:
        """Slope of log y against log x with its 95 % t interval; infinite with two sizes."""
        from scipy.stats import linregress
        from scipy.stats import t as student

        fit = linregress([math.log(x) for x in self.x], [math.log(y) for y in self.y])
        freedom = len(self.x) - 2
        half = student.ppf(0.975, freedom) * fit.stderr if freedom else math.inf
        return float(fit.slope), float(fit.slope - half), float(fit.slope + half)

    def plain_values(self) -> dict[str, object]:
        """Everything as JSON values."""
        return asdict(self) | ({"slope": self.slope()} if self.is_power_law else {})


def fastest(run: Callable[[], object], repeats: int = 3) -> float:
    """Shortest wall time of several runs, seconds."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)
