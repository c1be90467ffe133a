"""What apps read before they ask: smart-configuration (SMART App Launch 2.2, Conformance), and the
security of the CapabilityStatement. Both say what is offered at their address, no more."""

from __future__ import annotations

from careplane.access.smart.assertion import ALGORITHMS
from careplane.fhir.tree import Tree
from careplane.rest.oauth.addresses import Addresses

_SERVICE = "http://terminology.hl7.org/CodeSystem/restful-security-service"


def configuration(there: Addresses) -> dict[str, object]:
    """The smart-configuration."""
    methods = ["client_secret_basic", "client_secret_post"]
    capabilities = ["client-confidential-symmetric", "permission-v1", "permission-v2"]
    signed: dict[str, object] = {}
    if there.audience:
        methods.append("private_key_jwt")
        capabilities.insert(0, "client-confidential-asymmetric")
        signed = {"token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS)}
    return {
        "token_endpoint": there.token,
        "introspection_endpoint": there.introspect,
        "revocation_endpoint": there.revoke,
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": methods,
        **signed,
        "scopes_supported": ["system/*.cruds", "system/*.rs", "system/*.read", "system/*.write"],
        "code_challenge_methods_supported": ["S256"],
        "capabilities": capabilities,
    }


def security(there: Addresses) -> Tree:
    """CapabilityStatement.rest.security. The extension `oauth-uris` of SMART 1 is left out: it must
    name an authorization endpoint, and there is none."""
    return {
        "cors": True,
        "service": [
            {
                "coding": [
                    {"system": _SERVICE, "code": "SMART-on-FHIR", "display": "SMART-on-FHIR"},
                    {"system": _SERVICE, "code": "OAuth", "display": "OAuth"},
                ],
                "text": "Bearer tokens with SMART scopes; SMART Backend Services",
            }
        ],
        "description": "Every request but this one carries a bearer token; its SMART scopes "
        "and the policies of the institution restrict what it reads and writes. "
        f"Programs get tokens at {there.token}; "
        ".well-known/smart-configuration below this address says how.",
    }
