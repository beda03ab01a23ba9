"""A page -> what a browser may load and run on it: nothing from outside, and as little as the admin's frame works with.

docs/decisions/0009-content-security-policy.md says why, directive by directive.
"""

from collections.abc import Callable, Mapping

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.csp import CSP

Policy = Mapping[str, list[str]]

# every page and answer that does not stand in unfold's frame
STRICT: Policy = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:"],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
}
# unfold's frame: Alpine evaluates the expressions in its attributes, and colours and widths stand in the markup
FRAMED: Policy = {
    **STRICT,
    "script-src": [CSP.SELF, CSP.UNSAFE_EVAL],
    "style-src": [CSP.SELF, CSP.UNSAFE_INLINE],
}


def in_frame(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Loosen the policy for the admin's pages, and only where a view has not set one of its own (`csp_override`)."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if request.path_info.startswith("/admin/") and not hasattr(response, "_csp_config"):
            response._csp_config = FRAMED  # type: ignore[attr-defined]
        return response

    return middleware
