"""Questionnaires that come with Careplane: free to use, each with what its authors say of that."""

from __future__ import annotations

from importlib.resources import files

from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.kernel.errors import NotFound


def known() -> list[str]:
    """Their names, such as `phq-9`."""
    found = (one.name for one in files(__package__).iterdir())
    return sorted(name.removesuffix(".json") for name in found if name.endswith(".json"))


def questionnaire(name: str) -> Tree:
    """One of them, with its name as id. Raises NotFound."""
    if name not in known():
        raise NotFound(f"There is no form {name!r}; there are {', '.join(known())}.")
    return {**json.parse((files(__package__) / f"{name}.json").read_bytes()), "id": name}
