"""What can be wrong with a unit."""

from __future__ import annotations

from careplane.kernel.errors import Invalid


class NotAUnit(Invalid):
    """The code is not in the grammar or the tables of UCUM."""

    code = "code-invalid"


class NotComparable(Invalid):
    """Two units measure different things, or an amount is outside of what its scale can express."""

    code = "processing"
