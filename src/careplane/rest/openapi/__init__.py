"""The FHIR interface as an OpenAPI 3.1 document, made from the tables that answer the requests."""

from careplane.rest.openapi.document import Document, OpenApi

__all__ = ["Document", "OpenApi"]
