"""FHIR GraphQL (R4, graphql.html) as pure functions: a query, what is known, what it still needs.

query = read(text, operation, variables)     the operation, fragments and variables put in
check(query, "Patient")                      every field, argument and type against R4
answer, wanted = walk(query, ...)            the graph, or what must be fetched for it first
"""

from careplane.fhir.graphql.asks import Ask, ById, BySearch, Page
from careplane.fhir.graphql.checker import check
from careplane.fhir.graphql.document import read
from careplane.fhir.graphql.limits import Budget
from careplane.fhir.graphql.query import Selection
from careplane.fhir.graphql.schema import QUERY
from careplane.fhir.graphql.walk import Known, walk

__all__ = [
    "QUERY",
    "Ask",
    "Budget",
    "ById",
    "BySearch",
    "Known",
    "Page",
    "Selection",
    "check",
    "read",
    "walk",
]
