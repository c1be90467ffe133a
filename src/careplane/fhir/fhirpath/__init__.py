"""FHIRPath 2.0 with the additions of FHIR R4: parse a text, evaluate or translate its AST."""

from careplane.fhir.fhirpath.parser import parse

__all__ = ["parse"]
