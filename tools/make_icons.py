"""Draw the icons of the installed app from the mark: `python -m tools.make_icons`.

The mark lies within the safe zone of maskable icons (W3C Web Application Manifest, 3.2: a circle of
two fifths of the width), so one picture serves as any and as maskable.
"""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path

STATIC = Path(__file__).resolve().parent.parent / "src/careplane/web/static"
SIZES = (192, 512)
_SHARE = 0.72
"""How much of the picture the drawing of 24 by 24 takes."""
_SAMPLES = 4


def main() -> None:
    """Write icon-192.png and icon-512.png."""
    for size in SIZES:
        (STATIC / f"icon-{size}.png").write_bytes(png(size))


def png(size: int) -> bytes:
    """The picture: the polygon on its ground, smoothed by samples."""
    drawing = (STATIC / "icon.svg").read_text("utf-8")
    ground, ink = (_colour(one) for one in re.findall(r'fill="#([0-9a-f]{6})"', drawing))
    found = re.search(r' d="([^"]+)"', drawing)
    assert found
    scale = size * _SHARE / 24
    edge = size * (1 - _SHARE) / 2
    corners = [(x * scale + edge, y * scale + edge) for x, y in polygon(found[1])]
    rows = []
    for y in range(size):
        cover = [0.0] * size
        for step in range(_SAMPLES):
            _add(cover, corners, y + (step + 0.5) / _SAMPLES)
        line = bytearray(b"\0")
        for share in cover:
            line += bytes(round(g + (i - g) * share) for g, i in zip(ground, ink, strict=True))
        rows.append(bytes(line))
    head = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    body = zlib.compress(b"".join(rows), 9)
    parts = ((b"IHDR", head), (b"IDAT", body), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def polygon(path: str) -> list[tuple[float, float]]:
    """The corners of a path of straight lines (SVG 2, 9.3)."""
    x = y = 0.0
    corners: list[tuple[float, float]] = []
    for command, text in re.findall(r"([MLHVmlhvz])([^MLHVmlhvz]*)", path):
        numbers = [float(one) for one in re.findall(r"-?\d*\.?\d+", text)]
        small = command.islower()
        if command in "Hh":
            x = x + numbers[0] if small else numbers[0]
        elif command in "Vv":
            y = y + numbers[0] if small else numbers[0]
        elif command != "z":
            for dx, dy in zip(numbers[::2], numbers[1::2], strict=True):
                x, y = (x + dx, y + dy) if small else (dx, dy)
                corners.append((x, y))
            continue
        else:
            continue
        corners.append((x, y))
    return corners


def _add(cover: list[float], corners: list[tuple[float, float]], y: float) -> None:
    """What one line across the polygon covers of each point."""
    crossed = []
    for (ax, ay), (bx, by) in zip(corners, [*corners[1:], corners[0]], strict=True):
        if (ay <= y) != (by <= y):
            crossed.append(ax + (y - ay) / (by - ay) * (bx - ax))
    crossed.sort()
    for start, end in zip(crossed[::2], crossed[1::2], strict=True):
        for x in range(int(start), int(end) + 1):
            inside = min(end, x + 1) - max(start, x)
            cover[x] += max(inside, 0) / _SAMPLES


def _colour(text: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(text))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


if __name__ == "__main__":
    main()
