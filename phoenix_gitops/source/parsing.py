"""The parse stage: a file's bytes to a `Document`, by the events of libyaml."""

from __future__ import annotations

import hashlib

from phoenix_gitops.diagnostics import Diagnostic, Outcome, ordered
from phoenix_gitops.document import Document
from phoenix_gitops.source.compose import Composer
from phoenix_gitops.source.places import Places
from phoenix_gitops.source.text import SourceText, at_top, decode


def parse(file: str, content: bytes) -> Outcome[Document | None]:
    """The document in `content`, or None with the reasons; `file` is relative to the root, with `/`."""
    text, found = decode(file, content)
    if text is None:
        return Outcome(None, ordered(found))
    source = SourceText(file, text)
    composer = Composer(source)
    composer.run()
    found += composer.faults.found
    if not found:
        found += _check_top(file, composer)
    if found:
        return Outcome(None, ordered(found))
    data = composer.top[0]
    places = Places(source, data, composer.offsets)
    return Outcome(Document(file, data, places, hashlib.sha256(content).hexdigest()))


def _check_top(file: str, composer: Composer) -> list[Diagnostic]:
    top = composer.top[0] if composer.top else None
    if isinstance(top, dict):
        return []
    if not composer.top or composer.offsets[2] == composer.offsets[3]:
        help_ = "write a policy, or delete the file"
        return [at_top("PHX104", file, "file holds no document", help=help_)]
    kind = "a list" if isinstance(top, list) else "a single value"
    help_ = "begin with `apiVersion:` and `kind:`"
    return [at_top("PHX105", file, f"file holds {kind}, not a mapping", help=help_)]
