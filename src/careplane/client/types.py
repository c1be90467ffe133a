"""The data types of R4 as classes: HumanName, Quantity, Reference, ..."""

from careplane.fhir.generated.structs.datatypes import *  # noqa: F403
