"""Resources as bytes and back: `json`, `xml` (FHIR R4, 2.6). The family folder."""
