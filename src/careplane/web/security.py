"""Headers that every answer of the pages carries, and the check that a form came from our own page.

The policy allows nothing inline and nothing from elsewhere (W3C CSP Level 3). Pages with patient
data are never stored by a cache (RFC 9111, 5.2.2.5).
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request

from careplane.kernel.errors import Forbidden

POLICY = "; ".join(
    (
        "default-src 'none'",
        "object-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "manifest-src 'self'",
        "worker-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)


def policy_with(address: str) -> str:
    """The policy of a page whose scripts may also connect to one other server, by its scheme and
    host."""
    at = urlsplit(address)
    return POLICY.replace("connect-src 'self'", f"connect-src 'self' {at.scheme}://{at.netloc}")


HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
LEAVING = {"Clear-Site-Data": '"storage"'}
"""What signing out adds: no draft of the person stays in the browser (W3C Clear Site Data). Pages
are kept by no cache anyway."""
PRIVATE = {"Cache-Control": "no-store", "Vary": "Cookie, HX-Request, Accept-Language"}


def require_same_origin(request: Request) -> None:
    """Refuse a form that another site sent. Browsers say where a POST comes from: in
    Sec-Fetch-Site, and in Origin; a client that says neither has no cookie to abuse."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    if site not in ("same-origin", "none") or (origin and not _is_own(origin, request)):
        raise Forbidden("The form was sent from another site.")


def _is_own(origin: str, request: Request) -> bool:
    return urlsplit(origin).netloc == request.headers.get("host", "")
