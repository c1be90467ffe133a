"""What guards a type: where several families do, none is lost and the first that refuses speaks."""

from __future__ import annotations

import pytest

from careplane.access.caller import Caller, nobody
from careplane.kernel.errors import Conflict
from careplane.records.admission import Keep, each
from careplane.records.bodies import Content
from careplane.storage.ports.records import Version


def refusing(text: str) -> Keep:
    def keep(caller: Caller, current: Version | None, content: Content | None) -> None:
        raise Conflict(text)

    return keep


def allowing(caller: Caller, current: Version | None, content: Content | None) -> None:
    """Everything may be."""


@pytest.mark.parametrize(
    ("families", "said"),
    [
        (({"Task": allowing}, {"Task": refusing("b")}), "b"),
        (({"Task": refusing("a")}, {"Task": allowing}), "a"),
        (({"Task": refusing("a")}, {"Task": refusing("b")}), "a"),
        (({"Task": refusing("a")}, {"Binary": allowing}), "a"),
    ],
)
def test_each_family_is_asked(families: tuple[dict[str, Keep], ...], said: str) -> None:
    with pytest.raises(Conflict, match=said):
        each(*families)["Task"](nobody(""), None, None)


def test_types_of_one_family_stay_as_they_are() -> None:
    assert each({"Task": allowing}, {"Binary": allowing}) == {"Task": allowing, "Binary": allowing}
