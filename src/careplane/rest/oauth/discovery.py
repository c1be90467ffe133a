"""What apps read before they ask: smart-configuration (SMART App Launch 2.2, Conformance), the
metadata of OpenID Connect Discovery 1.0 and RFC 8414, and the security of the CapabilityStatement.
All say what is offered at their address, no more."""

from __future__ import annotations

from typing import Any

from careplane.access.smart.assertion import ALGORITHMS
from careplane.access.smart.contexts import CONTEXTS
from careplane.access.smart.launch import signing
from careplane.fhir.tree import Tree
from careplane.rest.oauth.addresses import (
    AUTHORIZE,
    INTROSPECT,
    JWKS,
    REGISTER,
    REVOKE,
    USERINFO,
    Addresses,
)

_SERVICE = "http://terminology.hl7.org/CodeSystem/restful-security-service"
_OAUTH_URIS = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
_SYSTEM = ("system/*.cruds", "system/*.rs", "system/*.read", "system/*.write")
_PERSON = (
    *(
        f"{who}/*.{what}"
        for who in ("patient", "user")
        for what in ("cruds", "rs", "read", "write")
    ),
)
_CONFIDENTIAL = ("client-confidential-symmetric",)
_LAUNCHING = (
    "launch-ehr",
    "launch-standalone",
    "authorize-post",
    "client-public",
    "sso-openid-connect",
    "context-banner",
    "context-style",
    "context-ehr-patient",
    "context-ehr-encounter",
    "context-standalone-patient",
    "permission-offline",
    "permission-online",
    "permission-patient",
    "permission-user",
)
STYLE: dict[str, str] = {
    "color_background": "#ffffff",
    "color_error": "#b3261e",
    "color_highlight": "#0b5cad",
    "color_modal_backdrop": "",
    "color_success": "#1b6e3c",
    "color_text": "#1c2430",
    "dim_border_radius": "6px",
    "dim_font_size": "16px",
    "dim_spacing_size": "16px",
    "font_family_body": "system-ui, sans-serif",
    "font_family_heading": "system-ui, sans-serif",
}
"""How the pages look, for apps that want to look alike (SMART App Launch 2.2, Styling)."""


def configuration(there: Addresses) -> dict[str, object]:
    """The smart-configuration."""
    return {
        **_common(there),
        "capabilities": [
            *(("client-confidential-asymmetric", *_LAUNCHING) if there.known else ()),
            *_CONFIDENTIAL,
            "permission-v1",
            "permission-v2",
        ],
    }


def provider(there: Addresses) -> dict[str, object]:
    """The OpenID provider's configuration; there is one only where the issuer is known."""
    return {
        **_common(there),
        "userinfo_endpoint": there.root + USERINFO,
        "response_modes_supported": ["query"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [signing.ALGORITHM],
        "claims_supported": [
            *("iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "amr", "name", "fhirUser")
        ],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "claims_parameter_supported": False,
    }


def _common(there: Addresses) -> dict[str, Any]:
    methods = ["client_secret_basic", "client_secret_post"]
    said: dict[str, Any] = {
        "token_endpoint": there.token,
        "introspection_endpoint": there.root + INTROSPECT,
        "revocation_endpoint": there.root + REVOKE,
        "grant_types_supported": ["client_credentials"],
        "scopes_supported": list(_SYSTEM),
        "code_challenge_methods_supported": ["S256"],
    }
    if there.known:
        methods += ["private_key_jwt", "none"]
        said |= {
            "issuer": there.root,
            "authorization_endpoint": there.root + AUTHORIZE,
            "registration_endpoint": there.root + REGISTER,
            "jwks_uri": there.root + JWKS,
            "management_endpoint": f"{there.root}/apps",
            "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
            "response_types_supported": ["code"],
            "scopes_supported": [*CONTEXTS, *_PERSON, *_SYSTEM],
            "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
            "authorization_response_iss_parameter_supported": True,
        }
    return {**said, "token_endpoint_auth_methods_supported": methods}


def security(there: Addresses) -> Tree:
    """CapabilityStatement.rest.security. The extension `oauth-uris` of SMART 1 must name an
    authorization endpoint, and is left out where there is none."""
    said: Tree = {
        "cors": True,
        "service": [
            {
                "coding": [
                    {"system": _SERVICE, "code": "SMART-on-FHIR", "display": "SMART-on-FHIR"},
                    {"system": _SERVICE, "code": "OAuth", "display": "OAuth"},
                ],
                "text": "Bearer tokens with SMART scopes; SMART App Launch and Backend Services"
                if there.known
                else "Bearer tokens with SMART scopes; SMART Backend Services",
            }
        ],
        "description": "Every request but this one carries a bearer token; its SMART scopes "
        "and the policies of the institution restrict what it reads and writes. "
        f"Programs get tokens at {there.token}; "
        ".well-known/smart-configuration below this address says how.",
    }
    if not there.known:
        return said
    uris = {
        "authorize": there.root + AUTHORIZE,
        "token": there.token,
        "introspect": there.root + INTROSPECT,
        "revoke": there.root + REVOKE,
        "register": there.root + REGISTER,
        "manage": f"{there.root}/apps",
    }
    listed = [{"url": name, "valueUri": uri} for name, uri in uris.items()]
    return {"extension": [{"url": _OAUTH_URIS, "extension": listed}], **said}
