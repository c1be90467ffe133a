"""What a client without a good token is told: where this is, and whose tokens are taken (OAuth 2.0
Protected Resource Metadata, RFC 9728; Bearer, RFC 6750).

The authorization server is our own, as for FHIR, and so are the scopes.
"""

from __future__ import annotations

from careplane.fhir.tree import Tree
from careplane.rest.oauth.addresses import Addresses
from careplane.rest.response import Header

PATH = "/mcp"
METADATA = f"/.well-known/oauth-protected-resource{PATH}"
"""RFC 9728, 3.1."""
SCOPES = ("user/*.rs",)
"""What a client asks for first: to read, as the person who signs in may."""


def metadata(there: Addresses) -> Tree:
    """The metadata document. Without an address of its own a server names no issuer."""
    return {
        "resource": there.root + PATH,
        **({"authorization_servers": [there.root]} if there.known else {}),
        "scopes_supported": list(SCOPES),
        "bearer_methods_supported": ["header"],
        "resource_name": "Careplane",
        "resource_documentation": "https://github.com/careplane/careplane/blob/main/docs/mcp.md",
    }


def challenge(there: Addresses, *, sent: bool) -> Header:
    """The WWW-Authenticate of a 401; `sent` where there was a token, and it is not good."""
    wrong = ', error="invalid_token"' if sent else ""
    text = (
        f'Bearer realm="Careplane"{wrong}, resource_metadata="{there.root}{METADATA}", '
        f'scope="{" ".join(SCOPES)}"'
    )
    return b"www-authenticate", text.encode("latin-1", "replace")
