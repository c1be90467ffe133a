"""Snapshots out of differentials (FHIR R4, 5.1.0.9 Snapshot; ElementDefinition 2.27).

A definition is held as a tree of `Spot`s, one for each element and slice. A profile starts from a
copy of its base's tree; each element of the differential is led to its spot, which unfolds on the
way what the base says by its type alone, and is merged there.
"""

from __future__ import annotations

from careplane.fhir.profiles.ports import Definitions
from careplane.fhir.profiles.spots import Spot, chosen, copies, merged, narrowed
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Invalid, Issue

CORE = "http://hl7.org/fhir/StructureDefinition/"
MAX_ELEMENTS = 20_000
"""Elements of one snapshot; the largest of R4 has 900."""
MAX_LEVELS = 40
"""Levels of elements in elements; R4 and its guides stay below 15."""
MAX_CHAIN = 30
"""Definitions that are derived one from the other."""
_OWN = frozenset({"sliceName", "slicing", "sliceIsConstraining", "id"})


class Snapshots:
    """The trees of definitions, each made once."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._trees: dict[str, Spot | None] = {}
        self._making: list[str] = []

    def of(self, canonical: str) -> Spot | None:
        """The tree of a canonical, None where there is no such definition. Raises Invalid for one
        that cannot be made sense of. The caller does not change it."""
        if canonical not in self._trees:
            definition = self._definitions.artifact("StructureDefinition", canonical)
            self._trees[canonical] = None if definition is None else self.made(definition)
        return self._trees[canonical]

    def made(self, definition: Tree) -> Spot:
        """The tree of a StructureDefinition: of its snapshot, or made of its differential."""
        stated = _elements(definition, "snapshot")
        if stated:
            return _Growth(self, None, stated[0], strict=False).grown(stated)
        return self.derived(definition)

    def derived(self, definition: Tree) -> Spot:
        """The tree made of a differential and the base it changes."""
        return self.grown(definition)[0]

    def grown(self, definition: Tree) -> tuple[Spot, list[tuple[Tree, Tree]]]:
        """The same, and each element of the differential after what it changes."""
        url = str(definition.get("url"))
        if url in self._making or len(self._making) > MAX_CHAIN:
            raise refused(f"The definition {url} is derived from itself, or from too many others")
        differential = _elements(definition, "differential")
        base = str(definition.get("baseDefinition", ""))
        self._making.append(url)
        try:
            below = self.of(base) if base else None
            if below is None and base:
                raise refused(f"The base definition {base} of {url} is not known here")
            if not differential:
                if below is None:
                    raise refused(f"The definition {url} has neither snapshot nor differential")
                return below.copy(), []
            is_new = definition.get("derivation") == "specialization" or below is None
            if is_new:
                below = _renamed(below, str(differential[0].get("path", "")))
            growth = _Growth(self, below, differential[0], strict=not is_new)
            return growth.grown(differential), growth.changes
        finally:
            self._making.pop()


def _renamed(below: Spot | None, path: str) -> Spot | None:
    """What a new type takes over from its base, under its own name."""
    if below is None:
        return None
    twin = below.copy()
    twin.name = path.partition(".")[0]
    twin.definition = {k: v for k, v in twin.definition.items() if k != "type"}
    return twin


def refused(text: str) -> Invalid:
    """The error for a definition that cannot be used."""
    return Invalid(text, issues=(Issue("error", "invalid", text),))


def _elements(definition: Tree, part: str) -> list[Tree]:
    holder = definition.get(part)
    found = holder.get("element") if isinstance(holder, dict) else None
    if not isinstance(found, list):
        return []
    if len(found) > MAX_ELEMENTS:
        raise refused(f"A definition has more than {MAX_ELEMENTS} elements")
    return [e for e in found if isinstance(e, dict) and isinstance(e.get("path"), str)]


class _Growth:
    """One tree while it is made."""

    def __init__(
        self, snapshots: Snapshots, base: Spot | None, first: Tree, *, strict: bool
    ) -> None:
        self._snapshots = snapshots
        self._base = base
        self._is_new = base is None
        self._is_strict = strict
        name = str(first["path"]).partition(".")[0]
        self._root = base.copy() if base is not None else Spot(name, {})
        self._stack: list[tuple[str, Spot]] = []
        self._size = 0
        self._choices: dict[int, Spot] = {}
        self.changes: list[tuple[Tree, Tree]] = []

    def grown(self, differential: list[Tree]) -> Spot:
        """The tree with all elements in their places."""
        for element in differential:
            self._size += 1
            spot = self._place(element)
            self.changes.append((spot.definition, element))
            spot.definition = merged(spot.definition, element)
            choice = self._choices.get(id(spot))
            if choice is not None and spot.definition.get("min", 0):
                # a type that must be there is the only one
                kept = {"min": spot.definition["min"], "type": spot.definition["type"]}
                choice.definition = {**choice.definition, **kept}
            path = str(element["path"])
            while self._stack and not path.startswith(self._stack[-1][0] + "."):
                self._stack.pop()
            self._stack.append((path, spot))
        return self._root

    def _place(self, element: Tree) -> Spot:
        path, id = str(element["path"]), element.get("id")
        names = path.split(".")
        if len(names) > MAX_LEVELS:
            raise refused(f"A definition has elements more than {MAX_LEVELS} levels deep")
        if isinstance(id, str):
            steps = _steps(id)
            if len(steps) == len(names) and _agree(steps, names):
                return self._walked(self._root, steps[1:], element)
        while self._stack and not path.startswith(self._stack[-1][0] + "."):
            self._stack.pop()
        if self._stack:
            above, spot = self._stack[-1]
            rest = names[above.count(".") + 1 :]
        else:
            spot, rest = self._root, names[1:]
        slice_name = str(element.get("sliceName", ""))
        steps = [(name, "") for name in rest]
        if steps:
            steps[-1] = (steps[-1][0], slice_name)
        return self._walked(spot, steps, element)

    def _walked(self, spot: Spot, steps: list[tuple[str, str]], element: Tree) -> Spot:
        for name, slice_name in steps:
            spot = self._child(spot, name, element)
            if slice_name:
                spot = self._slice(spot, slice_name)
        return spot

    def _child(self, spot: Spot, name: str, element: Tree) -> Spot:
        if spot.children is None:
            spot.children = self._unfolded(spot)
        found = spot.children.get(name)
        if found is not None:
            return found
        for choice in spot.children.values():
            type_name = chosen(choice, name)
            if type_name:
                one = self._slice(choice, name)
                one.definition = narrowed(one.definition, type_name)
                if not self._is_new:
                    self._choices[id(one)] = choice
                return one
        if not self._is_strict:
            return spot.children.setdefault(name, Spot(name, {}))
        raise refused(f"The element {element.get('path')} is not in the type that is profiled")

    def _slice(self, spot: Spot, name: str) -> Spot:
        found = spot.slice(name)
        if found is not None:
            return found
        head, slash, _ = name.rpartition("/")
        owner = (spot.slice(head) if slash else None) or spot
        kept = {k: v for k, v in owner.definition.items() if k not in _OWN}
        one = Spot(spot.name, {**kept, "min": 0, "sliceName": name} if kept else {})
        if owner.children is not None:
            one.children = {key: child.copy() for key, child in owner.children.items()}
        owner.slices[name] = one
        return one

    def _unfolded(self, spot: Spot) -> dict[str, Spot]:
        if self._is_new:
            return {}
        self._size += 20
        if self._size > MAX_ELEMENTS:
            raise refused(f"A definition unfolds to more than {MAX_ELEMENTS} elements")
        reference = spot.definition.get("contentReference")
        if isinstance(reference, str):
            named = self._find(reference.rpartition("#")[2])
            return copies(named)
        types = spot.types
        if not types:
            return {}
        source = None
        profiles = types[0].get("profile") if len(types) == 1 else None
        if isinstance(profiles, list) and len(profiles) == 1:
            source = self._snapshots.of(str(profiles[0]))
        if source is None:
            code = str(types[0].get("code")) if len(types) == 1 else "Element"
            source = self._snapshots.of(CORE + code)
        return copies(source)

    def _find(self, id: str) -> Spot | None:
        spot: Spot | None = self._base
        for name in id.split(".")[1:]:
            spot = (spot.children or {}).get(name) if spot is not None else None
        return spot


def _steps(id: str) -> list[tuple[str, str]]:
    """`Observation.component:a.code` -> [(Observation, ), (component, a), (code, )]."""
    return [(head, rest) for head, _, rest in (part.partition(":") for part in id.split("."))]


def _agree(steps: list[tuple[str, str]], names: list[str]) -> bool:
    return all(a == b for (a, _), b in zip(steps[1:], names[1:], strict=True))
