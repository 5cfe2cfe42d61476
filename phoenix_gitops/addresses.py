"""Addresses of git repositories: which of them mean one repository, and which hold a secret."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_URL = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?:[^/@]*@)?(?P<host>[^/]*)/(?P<path>.*)", re.IGNORECASE)
_SCP = re.compile(r"(?:[^/@:]+@)?(?P<host>[^/:@]+):(?!//)/?(?P<path>.+)")
_DEFAULT_PORT = {"ssh": ":22", "https": ":443", "http": ":80", "git": ":9418"}


def normalise(url: str) -> str:
    """One spelling for the many of a repository's address: host and path, or a path. Not to connect with.

    Transport and user make no difference: they are ways to one repository. Another port is another server.
    """
    url = url.strip()
    match = _URL.fullmatch(url) or _SCP.fullmatch(url)
    path = re.sub("/{2,}", "/", match["path"] if match else url).rstrip("/").removesuffix(".git").rstrip("/")
    if match is None:
        return path
    scheme = match.groupdict().get("scheme", "ssh").lower()
    host = match["host"].lower().removesuffix(_DEFAULT_PORT.get(scheme, ":"))
    return f"{host}/{path.lstrip('/')}"


def has_password(url: str) -> bool:
    """Whether an address holds a password or token, which would be written into every Application."""
    if "://" not in url:
        return False
    user, at, _ = urlsplit(url).netloc.rpartition("@")
    # A user alone is a name over ssh (`git@`), and over http commonly a token.
    return bool(at) and (":" in user or url.startswith("http"))


def redacted(text: str) -> str:
    """Without the user and password of any address in it."""
    # To the last `@` before the path: a password may hold one.
    return re.sub(r"://[^/\s']*@", "://", text)
