"""How values of FHIR data types are said on a page: pure functions from trees to text."""
