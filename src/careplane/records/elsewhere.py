"""Accepting resources in another process: bytes in, bytes out, so that it can be anywhere.

The rules are the same ones: `bodies.accept` with the extractors of R4, and with those search
parameters of a tenant's own that the sender knows and sends along. What comes back is checked to be
of the right shape, not validated again.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import msgspec

from careplane.kernel.errors import CareplaneError
from careplane.kernel.refusal import Refusal, error_of, refusal_of
from careplane.records.bodies import Content, Job, outcome
from careplane.search.custom import Custom, extracting
from careplane.search.extract import extract
from careplane.search.wording import extract_with_words


class _Result(msgspec.Struct, array_like=True):
    content: Content | None = None
    refusal: Refusal | None = None


_encode = msgspec.msgpack.Encoder().encode
_jobs = msgspec.msgpack.Decoder(tuple[list[Job], tuple[Custom, ...], bool])
_extract = lru_cache(maxsize=16)(extracting)
_results = msgspec.msgpack.Decoder(list[_Result])


def pack(jobs: Sequence[Job], customs: Sequence[Custom] = (), *, full_text: bool = False) -> bytes:
    """The bytes to send; `full_text`: the rows of full-text search are wanted too."""
    return _encode((jobs, customs, full_text))


def accept_packed(data: bytes) -> bytes:
    """What the other process does: the answers to `pack`ed jobs, for `unpack`."""
    jobs, customs, full_text = _jobs.decode(data)
    rows_of = _extract(customs, extract_with_words if full_text else extract)
    return _encode([_result(outcome(rows_of, job)) for job in jobs])


def unpack(data: bytes) -> list[Content | CareplaneError]:
    """The answers, in the order of the jobs."""
    return [_outcome(result) for result in _results.decode(data)]


def _result(found: Content | CareplaneError) -> _Result:
    if isinstance(found, Content):
        return _Result(found)
    return _Result(refusal=refusal_of(found))


def _outcome(result: _Result) -> Content | CareplaneError:
    if result.content is not None:
        return result.content
    assert result.refusal is not None
    return error_of(result.refusal)
