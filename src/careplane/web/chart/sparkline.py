"""A small line drawn on the server, so that a trend is seen with scripts off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Sketch:
    """Lines and the band of the reference range in the coordinates of a viewBox."""

    width: int
    height: int
    paths: tuple[str, ...]
    ends: tuple[Point, ...]
    band: tuple[float, float] | None


def sketch(
    lines: Sequence[Sequence[Point]],
    low: float | None = None,
    high: float | None = None,
    width: int = 320,
    height: int = 96,
    pad: int = 6,
) -> Sketch | None:
    """A sketch of lines over a common scale; None if no line has two points."""
    lines = [line for line in lines if len(line) > 1]
    if not lines:
        return None
    xs = [x for line in lines for x, _ in line]
    ys = [y for line in lines for _, y in line]
    left, right, bottom, top = min(xs), max(xs), min(ys), max(ys)
    margin = (top - bottom) * 0.08 or abs(top) * 0.05 or 1.0
    bottom, top = bottom - margin, top + margin

    def place(point: Point) -> Point:
        x = pad + (point[0] - left) / ((right - left) or 1) * (width - 2 * pad)
        return round(x, 1), up(point[1])

    def up(y: float) -> float:
        return round(pad + (top - y) / (top - bottom) * (height - 2 * pad), 1)

    def clamp(y: float) -> float:
        return min(max(up(y), 0.0), float(height))

    placed = [[place(point) for point in line] for line in lines]
    band = None
    if low is not None or high is not None:
        upper = clamp(high) if high is not None else 0.0
        lower = clamp(low) if low is not None else float(height)
        band = (upper, round(lower - upper, 1))
    paths = tuple("M" + "L".join(f"{x} {y}" for x, y in line) for line in placed)
    return Sketch(width, height, paths, tuple(line[-1] for line in placed), band)
