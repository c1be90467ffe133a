"""What FHIR adds to FHIRPath (FHIR R4, fhirpath.html#functions)."""

from __future__ import annotations

from careplane.fhir.definitions import is_subtype, type_definition
from careplane.fhir.fhirpath.calling import Arguments, value
from careplane.fhir.fhirpath.errors import EvaluationError
from careplane.fhir.fhirpath.items import Collection, Item, quantity, single, system
from careplane.fhir.fhirpath.node import Node, root_node
from careplane.fhir.fhirpath.scope import Profiles, Scope
from careplane.fhir.fhirpath.values import quantity as quantities

DEFINITIONS = "http://hl7.org/fhir/StructureDefinition/"


def extension(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    """The extensions with a URL."""
    url = value(arguments[0](scope), str, "extension()")
    scope.run.spend(1 + len(focus))
    return [
        one
        for item in focus
        if type(item) is Node
        for one in item.child("extension")
        if one.value.get("url") == url
    ]


def has_extension(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    return [bool(extension(scope, focus, arguments))]


def has_value(focus: Collection) -> bool:
    """Whether the input is a single primitive with a value, not with extensions alone."""
    return len(focus) == 1 and _is_value(focus[0])


def get_value(focus: Collection) -> Item | None:
    """The System value of a single primitive."""
    return system(focus[0]) if has_value(focus) else None


def _is_value(item: Item) -> bool:
    return type(item) is not Node or (item.value is not None and type(item.value) is not dict)


def resolve(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    """The resources that references, canonicals and URLs point to, as far as they are found."""
    scope.run.spend(1 + len(focus))
    found = (_resolved(scope, item) for item in focus)
    return [node for node in found if node is not None]


def _resolved(scope: Scope, item: Item) -> Node | None:
    target = item.value.get("reference") if _is_reference(item) else system(item)  # type: ignore[union-attr]
    if type(target) is not str:
        return None
    if target.startswith("#"):
        return _contained(item, target[1:]) if type(item) is Node else None
    local = _in_bundle(item, target) if type(item) is Node else None
    if local is not None or scope.run.environment.resolver is None:
        return local
    tree = scope.run.environment.resolver(target)
    return None if tree is None else root_node(tree)


def _is_reference(item: Item) -> bool:
    return type(item) is Node and type(item.value) is dict


def _contained(item: Node, wanted: str) -> Node | None:
    """The contained resource of this id; `#` alone is the containing resource."""
    root = item.root()
    if not wanted:
        return root
    return next((one for one in root.child("contained") if one.value.get("id") == wanted), None)


def _in_bundle(item: Node, target: str) -> Node | None:
    """The entry of the Bundle around the item whose fullUrl is, or ends in, the target."""
    bundle = next((node for node in item.ancestors() if node.type == "Bundle"), None)
    if bundle is None:
        return None
    for entry in bundle.child("entry"):
        full = entry.value.get("fullUrl")
        if type(full) is str and (full == target or full.endswith(f"/{target}")):
            return next(iter(entry.child("resource")), None)
    return None


def conforms_to(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    """Whether the item conforms to a profile; the base definitions are known without asking."""
    item, profile = single(focus, "conformsTo()"), value(arguments[0](scope), str, "conformsTo()")
    if type(item) is not Node or profile is None:
        return []
    profiles = scope.run.environment.profiles
    asked = profiles.conforms(item, profile) if profiles is not None else None
    answer = _conforms_to_base(item, profile) if asked is None else asked
    if answer is None:
        raise EvaluationError(f"The profile {profile} is not known here.")
    return [answer]


def _conforms_to_base(item: Node, profile: str) -> bool | None:
    name = profile.removeprefix(DEFINITIONS)
    try:
        type_definition(name)
    except KeyError:
        return None
    return name != profile and is_subtype(item.type, name)


def member_of(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    """Whether a coded item is in a value set; empty where nobody can tell."""
    item, value_set = single(focus, "memberOf()"), value(arguments[0](scope), str, "memberOf()")
    terminology = scope.run.environment.terminology
    if type(item) is not Node or value_set is None or terminology is None:
        return []
    answer = terminology.member_of(item, value_set)
    return [] if answer is None else [answer]


def subsumes(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    return _subsumption(scope, focus, arguments[0](scope))


def subsumed_by(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    return _subsumption(scope, arguments[0](scope), focus)


def _subsumption(scope: Scope, ancestor: Collection, coded: Collection) -> Collection:
    one, other = single(ancestor, "subsumes()"), single(coded, "subsumes()")
    terminology = scope.run.environment.terminology
    if type(one) is not Node or type(other) is not Node or terminology is None:
        return []
    answer = terminology.subsumes(one, other)
    return [] if answer is None else [answer]


def check_modifiers(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    """The input, if it has no modifier extensions but those listed."""
    known = {value(argument(scope), str, "checkModifiers()") for argument in arguments}
    for item in focus:
        found = item.child("modifierExtension") if type(item) is Node else []
        if any(one.value.get("url") not in known for one in found):
            raise EvaluationError("There is a modifier extension that is not understood here.")
    return focus


def html_checks(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    """Whether the text is XHTML within the limits of a narrative; empty where nobody checks it."""
    text, check = value(focus, str, "htmlChecks()"), scope.run.environment.is_narrative
    return [] if text is None or check is None else [check(text)]


def comparable(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    """Whether two quantities have units of the same kind."""
    one, other = single(focus, "comparable()"), single(arguments[0](scope), "comparable()")
    if one is None or other is None:
        return []
    left, right = quantity(one), quantity(other)
    return [left is not None and right is not None and quantities.comparable(left, right)]


def element_definition(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    profiles = _profiles(scope)
    found = (profiles.element_definition(item) for item in focus if type(item) is Node)
    return [Node(tree, "ElementDefinition") for tree in found if tree is not None]


def slice_(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    """The items that belong to a slice of a profile."""
    structure, name = (value(argument(scope), str, "slice()") for argument in arguments)
    if structure is None or name is None:
        return []
    profiles = _profiles(scope)
    return [
        item
        for item in focus
        if type(item) is Node and profiles.in_slice(item, structure, name) is True
    ]


def _profiles(scope: Scope) -> Profiles:
    profiles = scope.run.environment.profiles
    if profiles is None:
        raise EvaluationError("No profiles are known here.")
    return profiles
