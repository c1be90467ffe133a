"""FHIR Bulk Data: exports and imports of whole stores, as jobs that outlive the process."""
