"""The authorization server of `access.smart` over HTTP: `/oauth/token`, `/oauth/introspect`,
`/oauth/revoke`, and what apps read to find them. Not below `/fhir`, and in no FHIR form."""
