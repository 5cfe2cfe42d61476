"""The input side: policy files in, documents with the place of every key and value out.

`parse` is pure (bytes in, document and diagnostics out); `read_policies` is the edge that walks the
repository. Both say what is wrong with a file and go on; nothing is decided here about a policy's form.
"""

from phoenix_gitops.source.folders import PATTERNS, list_policies
from phoenix_gitops.source.parsing import parse
from phoenix_gitops.source.reading import Policies, read_file, read_policies

__all__ = ["PATTERNS", "Policies", "list_policies", "parse", "read_file", "read_policies"]
