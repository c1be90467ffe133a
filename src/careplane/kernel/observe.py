"""What a log may hold of an error: its kind and where it happened, never a value, since a value
may be a patient's."""

from __future__ import annotations

import traceback


def describe(error: BaseException) -> str:
    """`KeyError at search.py:41 in _page < door.py:70 in search`."""
    frames = traceback.extract_tb(error.__traceback__)
    places = " < ".join(
        f"{frame.filename.rpartition('/')[2]}:{frame.lineno} in {frame.name}"
        for frame in reversed(frames)
    )
    cause = error.__cause__ or error.__context__
    return f"{type(error).__name__} at {places}" + (f"; after {describe(cause)}" if cause else "")
