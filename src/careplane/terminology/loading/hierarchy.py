"""The order of a code system, and what is below each concept, as runs of places (see
`stored.layout`)."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from msgspec import Struct

from careplane.kernel.errors import Invalid, TooLarge

MOST_CONCEPTS = 5_000_000
_MOST_RUNS = 50_000_000
"""Ends of runs over all concepts; SNOMED CT has some millions."""
_SHOWN = 100
_NONE = array("I")


class Order(Struct, frozen=True):
    """`places` are those of codes. Parents and children are in the order of the release; `runs` of
    concepts that have something below them only."""

    places: dict[str, int]
    parents: list[array[int]]
    children: list[array[int]]
    runs: dict[int, array[int]]


def ordered(listed: Iterable[tuple[str, Iterable[str]]]) -> Order:
    """Raises Invalid for a cycle, for a parent that is no concept, and for a code that cannot be
    one; TooLarge for more than can be held."""
    numbers, children, parents = _graph(listed)
    walk, ends = _walked(children, parents)
    if len(walk) < len(numbers) or _has_cycle(children, parents):
        raise Invalid(f"The hierarchy has a cycle: {_cycle(numbers, parents)}.")
    place_of = array("I", bytes(4 * len(walk)))
    for place, number in enumerate(walk):
        place_of[number] = place
    above = [_moved(parents[number], place_of) for number in walk]
    below = [_moved(children[number], place_of) for number in walk]
    for code, number in numbers.items():
        numbers[code] = place_of[number]
    return Order(numbers, above, below, _runs(above, below, ends))


Graph: TypeAlias = "tuple[dict[str, int], list[array[int]], list[array[int]]]"


def _graph(listed: Iterable[tuple[str, Iterable[str]]]) -> Graph:
    """Codes by number, and the children and parents of each number."""
    numbers: dict[str, int] = {}
    froms, tos = array("I"), array("I")
    known = bytearray()
    for code, above in listed:
        number = _number(code, numbers, known)
        known[number] = 1
        for parent in above:
            froms.append(number)
            tos.append(_number(parent, numbers, known))
    if known.count(0):
        missing = [code for code, number in numbers.items() if not known[number]]
        raise Invalid(
            f"{len(missing)} concepts stand above others and are not in the release themselves, "
            f"such as {missing[0][:_SHOWN]}."
        )
    children = [_NONE] * len(numbers)
    parents = [_NONE] * len(numbers)
    for below, over in zip(froms, tos, strict=True):
        if _adds(parents, below, over):
            _adds(children, over, below)
    return numbers, children, parents


def _number(code: str, numbers: dict[str, int], known: bytearray) -> int:
    number = numbers.get(code)
    if number is None:
        if not code or code != code.strip() or not code.isprintable():
            raise Invalid(f"No code can be written so: {code[:_SHOWN]!r}.")
        if len(code.encode()) > 1_000:
            raise Invalid(f"A code has more than 1,000 bytes: {code[:_SHOWN]!r}.")
        number = numbers[code] = len(numbers)
        known.append(0)
        if number >= MOST_CONCEPTS:
            raise TooLarge(f"A code system may have {MOST_CONCEPTS:,} concepts, and not more.")
    return number


def _adds(lists: list[array[int]], at: int, value: int) -> bool:
    """Whether it was not there; short lists are looked through, and long ones are of children,
    whose parents say whether they are there."""
    found = lists[at]
    if not found:
        lists[at] = array("I", (value,))
        return True
    if len(found) < 64 and value in found:
        return False
    found.append(value)
    return True


def _walked(children: list[array[int]], parents: list[array[int]]) -> tuple[list[int], list[int]]:
    """Numbers in the order of the walk, and for each place of it where the part of the walk ends
    that began there."""
    size = len(children)
    seen = bytearray(size)
    walk: list[int] = []
    ends = [0] * size
    for root in range(size):
        if parents[root]:
            continue
        seen[root] = 1
        path: list[tuple[int, Iterator[int]]] = [(len(walk), iter(children[root]))]
        walk.append(root)
        while path:
            place, rest = path[-1]
            for child in rest:
                if not seen[child]:
                    seen[child] = 1
                    path.append((len(walk), iter(children[child])))
                    walk.append(child)
                    break
            else:
                ends[place] = len(walk)
                path.pop()
    return walk, ends


def _has_cycle(children: list[array[int]], parents: list[array[int]]) -> bool:
    left = array("I", map(len, parents))
    free = [number for number, count in enumerate(left) if not count]
    done = 0
    while free:
        done += 1
        for child in children[free.pop()]:
            left[child] -= 1
            if not left[child]:
                free.append(child)
    return done < len(children)


def _cycle(numbers: dict[str, int], parents: list[array[int]]) -> str:
    """Codes of one, each below the next."""
    codes = list(numbers)
    state = bytearray(len(codes))  # 1: on the way, 2: leads into no cycle
    for start in range(len(codes)):
        path: list[tuple[int, Iterator[int]]] = [(start, iter(parents[start]))]
        if state[start]:
            continue
        state[start] = 1
        while path:
            number, rest = path[-1]
            for parent in rest:
                if state[parent] == 1:
                    way = [n for n, _ in path]
                    found = [*way[way.index(parent) :], parent]
                    shown = [codes[n][:_SHOWN] for n in found[:6]]
                    return " is below ".join(shown) + ("" if len(found) <= 6 else " is below ...")
                if not state[parent]:
                    state[parent] = 1
                    path.append((parent, iter(parents[parent])))
                    break
            else:
                state[number] = 2
                path.pop()
    return ""


def _moved(numbers: array[int], place_of: array[int]) -> array[int]:
    return array("I", [place_of[number] for number in numbers]) if numbers else _NONE


def _runs(
    above: list[array[int]], below: list[array[int]], ends: list[int]
) -> dict[int, array[int]]:
    """What is below each place. Whatever is below it by another way than that of the walk is
    handed up as runs of their own, until they are within a part of the walk."""
    others: dict[int, array[int]] = {}
    total = 0
    for place in _from_below(above, below):
        end = ends[place]
        found: list[tuple[int, int]] = []
        for child in below[place]:
            if not place < child < end:
                found.append((child, ends[child]))
            extra = others.get(child)
            if extra:
                found.extend(
                    (extra[at], extra[at + 1])
                    for at in range(0, len(extra), 2)
                    if not place < extra[at] < end
                )
        if found:
            others[place] = merged = _merged(found)
            total += len(merged)
            if total > _MOST_RUNS:
                raise TooLarge("Too many concepts of this hierarchy stand below many others.")
    runs: dict[int, array[int]] = {}
    for place, end in enumerate(ends):
        extra = others.get(place, _NONE)
        if end > place + 1 or extra:
            own = [(place + 1, end)] if end > place + 1 else []
            pairs = [(extra[at], extra[at + 1]) for at in range(0, len(extra), 2)]
            runs[place] = _merged([*own, *pairs])
    return runs


def _from_below(above: list[array[int]], below: list[array[int]]) -> Iterator[int]:
    """Places, each after all that are below it."""
    left = array("I", map(len, below))
    free = [place for place, count in enumerate(left) if not count]
    while free:
        place = free.pop()
        yield place
        for parent in above[place]:
            left[parent] -= 1
            if not left[parent]:
                free.append(parent)


def _merged(pairs: list[tuple[int, int]]) -> array[int]:
    pairs.sort()
    flat = array("I")
    for start, end in pairs:
        if flat and start <= flat[-1]:
            flat[-1] = max(flat[-1], end)
        else:
            flat.append(start)
            flat.append(end)
    return flat
