"""Turn Host and Origin headers into whether a web page sends, and whether it may.

A browser runs the code of strangers beside the user's own programs, and lets it post to
loopback addresses. Two headers that no page can forge tell it apart:

- ``Origin``: a browser puts it on every POST, whatever the mode of the request (Fetch standard,
  "append a request `Origin` header"); agents send none. That it is checked, and not the address
  alone, is what the "0.0.0.0 day" asks for: pages reached loopback through 0.0.0.0
  (Oligo Security, August 2024).
- ``Host``: by DNS rebinding a page's own name comes to mean 127.0.0.1, and then the page is of
  the same origin as we. Its name still stands in ``Host`` (MDN, "Host"). Ollama had to learn to
  look at it: CVE-2024-28224.
"""

import re
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from ....pipeline.core.errors import Permanent

# These mean this machine by definition (RFC 6761, section 6.3), or are given by Docker and
# Podman to the machine that a container runs on.
_OWN_NAMES = frozenset({"localhost", "host.docker.internal", "host.containers.internal"})
_BELOW_LOCALHOST = ".localhost"

_DEFAULT_PORTS = {"http": 80, "https": 443}

# What every exporter sends; Content-Type is not "safelisted" with OTLP's values (Fetch standard).
_OWN_HEADERS = ("accept", "content-encoding", "content-type", "x-requested-with")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")

_ORIGIN_PATTERN = re.compile(r"[a-z][a-z0-9+.*-]*://[^/?#\s@]+", re.IGNORECASE)
_HOST_HEADER = re.compile(r"(?:\[(?P<v6>[^\]]*)\]|(?P<name>[^:]*))(?::\d*)?")

_SHOWN_CHARACTERS = 100


def _usable_origin(pattern: str) -> str:
    if pattern != "*" and not _ORIGIN_PATTERN.fullmatch(pattern):
        msg = (
            f"'{pattern}' is no origin, and would never match. Write `https://app.example.com`, "
            f"without a path; `*` stands for any text."
        )
        raise ValueError(msg)
    return pattern


class CorsConfig(BaseModel):
    """Which web pages may send."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    allowed_origins: tuple[Annotated[str, AfterValidator(_usable_origin)], ...] = ()
    """Origins such as `https://app.example.com`; `*` in one stands for any text."""
    allowed_headers: tuple[str, ...] = ()
    """Headers a page may send besides those that OTLP needs; `*` for all."""
    max_age_s: int = Field(default=0, ge=0)
    """Seconds a browser may remember the answer to a preflight; 0 leaves it to the browser."""

    @model_validator(mode="before")
    @classmethod
    def _understand_collector(cls, values: Any) -> Any:
        if isinstance(values, dict) and "max_age" in values:
            ours = {**values, "max_age_s": values["max_age"]}
            del ours["max_age"]
            return ours
        return values


class Visitors:
    """Tells programs from web pages, and the pages that may send from those that may not."""

    def __init__(
        self,
        cors: CorsConfig | None,
        allowed_hosts: tuple[str, ...],
        loopback: bool,
        *,
        serves_pages: bool = False,
    ) -> None:
        """Serve these pages and host names; ``loopback`` if we listen for this machine alone.

        With ``serves_pages`` there are pages at our own address (a host's), which may send. We
        have none ourselves: a page of our origin then is one whose name was rebound to us.
        """
        self._serves_pages = serves_pages
        self._cors = cors or CorsConfig()
        self._asked_for_cors = cors is not None
        self._origins = _matcher(self._cors.allowed_origins)
        self._hosts = _matcher(_host_name(each) or each for each in allowed_hosts)
        self._check_host = loopback or bool(allowed_hosts)

    def check(self, host: str | None, origin: str | None) -> None:
        """Let programs and allowed pages through.

        Raises:
            Permanent: the name we are called by is not ours (``forbidden_host``), or a page
                sends that may not (``forbidden_origin``).

        """
        # HTTP/1.0 has no Host, and no browser speaks it.
        if self._check_host and host and not self._is_own(host):
            raise _forbidden_host(host)
        if origin is None or self._allows(origin):
            return
        if not (self._serves_pages and _same(origin, host)):
            raise _forbidden_origin(origin)

    def answer_headers(self, origin: str | None) -> Mapping[str, str]:
        """Give the headers that let an allowed page read an answer."""
        headers = {"Vary": "Origin"} if self._asked_for_cors else {}
        if origin is None or not self._allows(origin):
            return headers
        # So that the OpenTelemetry web exporter sees when to come again.
        return {
            **headers,
            **self._permission(origin),
            "Access-Control-Expose-Headers": "Retry-After",
        }

    def preflight_headers(
        self, origin: str | None, asked_method: str | None, asked_headers: str | None
    ) -> Mapping[str, str]:
        """Answer a browser that asks before it sends; no more than Vary means it may not."""
        headers = {"Vary": "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"}
        if origin is None or not self._allows(origin) or asked_method != "POST":
            return headers
        headers |= self._permission(origin)
        headers["Access-Control-Allow-Methods"] = "POST"
        allowed = self._allowed_of(asked_headers or "")
        if allowed:
            headers["Access-Control-Allow-Headers"] = allowed
        if self._cors.max_age_s:
            headers["Access-Control-Max-Age"] = str(self._cors.max_age_s)
        return headers

    def _is_own(self, host: str) -> bool:
        name = _host_name(host)
        if name is None:
            return False
        # To rebind takes a name: a page at an address that is not ours cannot reach us by it.
        own = name in _OWN_NAMES or name.endswith(_BELOW_LOCALHOST) or _address(name) is not None
        return own or self._hosts.fullmatch(name) is not None

    def _allows(self, origin: str) -> bool:
        # Every sandboxed frame, local file and redirect is `null`, and so is a POST of a page
        # with the referrer policy `no-referrer`: it names nobody.
        return origin != "null" and self._origins.fullmatch(origin.lower()) is not None

    def _permission(self, origin: str) -> dict[str, str]:
        if "*" in self._cors.allowed_origins:
            return {"Access-Control-Allow-Origin": "*"}
        # The web exporter's sendBeacon sends "with credentials", which `*` does not cover.
        return {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Credentials": "true",
        }

    def _allowed_of(self, asked_headers: str) -> str:
        """Name those of the headers asked for that may be sent."""
        asked = [name.strip() for name in asked_headers.split(",")]
        known = {*_OWN_HEADERS, *(name.lower() for name in self._cors.allowed_headers)}
        # They are named one by one, because `*` does not cover Authorization (Fetch standard).
        allowed = [name for name in asked if "*" in known or name.lower() in known]
        return ", ".join(name for name in allowed if _TOKEN.fullmatch(name))


def is_loopback(host: str) -> bool:
    """Tell whether listening on a host is for this machine alone."""
    name = _host_name(host if ":" not in host or host.startswith("[") else f"[{host}]") or ""
    address = _address(name)
    if address is None:
        return name == "localhost" or name.endswith(_BELOW_LOCALHOST)
    # Before Python 3.13 ::ffff:127.0.0.1 does not count as loopback.
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


def _matcher(patterns: Iterable[str]) -> re.Pattern[str]:
    """Match any of the patterns, in which ``*`` is any text, against text in lower case."""
    either = [".*".join(map(re.escape, each.lower().split("*"))) for each in patterns]
    return re.compile("|".join(either) if either else r"(?!)", re.DOTALL)


def _host_name(host: str) -> str | None:
    """Take port, brackets and the final dot off a Host header; None if it is none."""
    match = _HOST_HEADER.fullmatch(host.strip())
    if match is None:
        return None
    return (match["v6"] or match["name"] or "").lower().removesuffix(".") or None


def _address(name: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(name)
    except ValueError:
        return None


def _same(origin: str, host: str | None) -> bool:
    """Tell whether a page came from the very address that it sends to."""
    try:
        parts = urlsplit(origin.lower())
        default = _DEFAULT_PORTS.get(parts.scheme)
        port, to_port = parts.port or default, urlsplit(f"//{host or ''}").port or default
    except ValueError:
        return False
    name = _host_name(host or "")
    return (
        name is not None
        and default is not None
        and (name, to_port) == (_bare(parts.hostname), port)
    )


def _bare(name: str | None) -> str:
    return (name or "").removesuffix(".")


def _forbidden_host(host: str) -> Permanent:
    return Permanent(
        f"Host: {_shown(host)} is not a name of this machine. Send to 127.0.0.1 or localhost, or "
        f"add the name to protocols.http.allowed_hosts.",
        reason="forbidden_host",
    )


def _forbidden_origin(origin: str) -> Permanent:
    what = "sends from a page that has no origin of its own, and cannot be allowed"
    if origin != "null":
        what = "is a web page that may not send. Add it to protocols.http.cors.allowed_origins"
    return Permanent(f"Origin: {_shown(origin)} {what}.", reason="forbidden_origin")


def _shown(text: str) -> str:
    short = text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."
    return "".join(char if char.isprintable() else "?" for char in short)
