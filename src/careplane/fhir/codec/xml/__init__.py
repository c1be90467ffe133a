"""The XML form of resources, both ways (FHIR R4, 2.1.3.2 XML Representation of Resources)."""

from careplane.fhir.codec.xml.document import MAX_BYTES, parse_document
from careplane.fhir.codec.xml.reader import parse, read
from careplane.fhir.codec.xml.shape import FHIR, XHTML
from careplane.fhir.codec.xml.writer import dump

__all__ = ["FHIR", "MAX_BYTES", "XHTML", "dump", "parse", "parse_document", "read"]
