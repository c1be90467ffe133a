"""The authorization server of `access.smart` over HTTP: the endpoints that programs call, and what
they read to find them. Not below `/fhir`, and in no FHIR form. Where people look at a page
(`/oauth/authorize`) is `web`'s."""
