"""Forms with files: what is read, and what is refused before it fills the memory."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from careplane.kernel.errors import CareplaneError, Malformed, TooLarge, UnsupportedMedia
from careplane.web.uploads import FilesTooLarge, Form, parts, said, typed_in

B = "----b"


def part(name: str, data: bytes, file: str | None = None, kind: str = "") -> bytes:
    head = f'--{B}\r\nContent-Disposition: form-data; name="{name}"'
    head += f'; filename="{file}"' if file is not None else ""
    head += f"\r\nContent-Type: {kind}" if kind else ""
    return head.encode() + b"\r\n\r\n" + data + b"\r\n"


def whole(*made: bytes) -> bytes:
    return b"".join(made) + f"--{B}--\r\n".encode()


def read(body: bytes, kind: str = f"multipart/form-data; boundary={B}", step: int = 7,
         **bounds: int) -> tuple[Form, int]:  # fmt: skip
    """The form, sent a few bytes at a time, and how many were taken."""
    taken = 0

    async def receive() -> dict[str, object]:
        nonlocal taken
        piece = body[taken : taken + step]
        taken += len(piece)
        return {"type": "http.request", "body": piece, "more_body": taken < len(body)}

    headers = [(b"content-type", kind.encode("latin-1"))]
    request = Request({"type": "http", "method": "POST", "headers": headers}, receive)

    async def run() -> Form:
        return await parts(request, **({"largest": 1000} | bounds))  # type: ignore[arg-type]

    return anyio.run(run), taken


def test_fields_and_files_are_read() -> None:
    body = whole(
        part("title", "Größe <b>".encode()),
        part("title", b"the last counts"),
        part("file", b"\0\1\r\n--x", "C:\\x\\Bild ü.png", "Image/PNG; q=1"),
        part("other", b"", ""),
        part("none", b""),
    )
    form, _ = read(body)
    assert form.fields == {"title": "the last counts", "none": ""}
    (file,) = form.files
    assert (file.field, file.name, file.kind) == ("file", "Bild ü.png", "image/png")
    assert file.data == b"\0\1\r\n--x"


@given(st.binary(max_size=300), st.integers(1, 400))
def test_a_file_comes_as_it_was_sent(data: bytes, step: int) -> None:
    form, _ = read(whole(part("f", data, "a.bin"), part("z", b"1")), step=step)
    assert form.files[0].data == data
    assert form.fields == {"z": "1"}


BAD: dict[str, tuple[bytes, dict[str, int], type[CareplaneError]]] = {
    "a file too large": (whole(part("f", b"x" * 1001, "a")), {}, TooLarge),
    "too many files": (whole(part("f", b"x", "a"), part("g", b"x", "b")), {}, TooLarge),
    "too many fields": (whole(*(part(f"f{n}", b"x") for n in range(4))), {"fields": 3}, TooLarge),
    "too much text": (whole(part("a", b"x" * 60), part("b", b"x" * 50)), {"text": 100}, TooLarge),
    "text under an empty file name": (whole(part("a", b"x" * 101, "")), {"text": 100}, TooLarge),
    "no end": (part("a", b"x"), {}, Malformed),
    "nothing": (b"", {}, Malformed),
    "no name": (whole(b"------b\r\nContent-Disposition: form-data\r\n\r\nx\r\n"), {}, Malformed),
    "no boundary where it should be": (b"garbage", {}, Malformed),
    "not UTF-8": (whole(part("a", b"\xff")), {}, Malformed),
    "a header without end": (
        f"--{B}\r\nContent-Disposition: ".encode() + b"x" * 10_000, {}, Malformed),
    "headers without end": (f"--{B}\r\n".encode() + b"A: b\r\n" * 100, {}, Malformed),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_taken_is_refused(case: str) -> None:
    body, bounds, error = BAD[case]
    with pytest.raises(error):
        read(body, **bounds)


@pytest.mark.parametrize("files", [[b"x" * 1001], [b"x", b"y"]], ids=["large", "many"])
def test_of_a_form_with_too_much_in_files_what_was_typed_stays(files: list[bytes]) -> None:
    sent = [part("f", one, "a.png") for one in files]
    body = whole(part("before", b"1"), *sent, part("after", "ü".encode()))
    with pytest.raises(FilesTooLarge) as told:
        read(body)
    assert typed_in(told.value) == {"before": "1", "after": "ü"}
    assert typed_in(TooLarge("What was typed.")) == {}


@pytest.mark.parametrize(
    "kind",
    ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data",
     "multipart/mixed; boundary=x"],
)  # fmt: skip
def test_only_forms_with_a_boundary_are_read(kind: str) -> None:
    with pytest.raises(UnsupportedMedia):
        read(b"", kind)


def test_a_boundary_without_end_is_refused() -> None:
    with pytest.raises(Malformed):
        read(b"", "multipart/form-data; boundary=" + "x" * 5000)


def test_what_never_ends_is_not_read_for_ever() -> None:
    async def flood() -> AsyncIterator[bytes]:
        yield part("f", b"x" * 1000, "a")[:-2]
        while True:
            yield b"x" * 65_536

    source, taken = flood(), 0

    async def receive() -> dict[str, object]:
        nonlocal taken
        piece = await anext(source)
        taken += len(piece)
        return {"type": "http.request", "body": piece, "more_body": True}

    headers = [(b"content-type", f"multipart/form-data; boundary={B}".encode())]
    request = Request({"type": "http", "method": "POST", "headers": headers}, receive)

    async def run() -> None:
        await parts(request, largest=1000)

    with pytest.raises(TooLarge, match="1\u00a0kB"):
        anyio.run(run)
    assert taken < 3_000_000


def test_sizes_are_said() -> None:
    assert [said(n) for n in (0, 999, 40_000, 10_000_000, 1_250_000)] == [
        "0 bytes", "999 bytes", "40\u00a0kB", "10\u00a0MB", "1.25\u00a0MB",
    ]  # fmt: skip
