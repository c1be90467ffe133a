"""FHIR over HTTP (R4, 3.1.0): from requests to commands of the door, and from results to bytes."""
