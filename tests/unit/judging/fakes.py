"""Judges that are shell scripts: one that judges well, and each way of failing as a change of it."""

from __future__ import annotations

import sys
from pathlib import Path

from phoenix_gitops.collector.table import Kind
from phoenix_gitops.collector.versions import table_of

PROMTOOL = """
case "$1" in
--version) echo "promtool, version 3.16.0 (branch: x)"; exit 0 ;;
check) shift 4; head="Checking"; good="  SUCCESS: 3 rules found" ;;
test) shift 2; head="Processing test file:"; good="  SUCCESS" ;;
esac
%s
for file in "$@"; do
  echo "$head $file"
  if grep -q -e planted -e 'value: 2}' "$file"; then
    echo "  FAILED:"; bad=1
    echo "$file: 1:1: group \\"planted\\", rule 1, \\"planted:fault\\": could not parse expression"
  elif grep -q "FORBIDDEN" "$file"; then
    echo "  FAILED:"; bad=1
    echo "$file: 7:5: group \\"ruleset-mine-alerts\\", rule 1, \\"Mine\\": annotation \\"summary\\": forbidden"
  else
    echo "$good"
  fi
  echo
done
exit ${bad:-0}
"""

VMALERT = """
case "$1" in
-version) echo "vmalert-20260901-000000-tags-v1.151.0-0-g0"; exit 0 ;;
esac
%s
shift
for argument in "$@"; do
  file=${argument#-rule=}
  if grep -q planted "$file"; then
    printf 'now\\tfatal\\tmain.go:1\\tfailed to parse: errors(1): \\n'
    printf 'invalid group "planted" in file "%%s": invalid expression for rule "planted:fault": bad\\n' "$file"
    exit 255
  fi
done
exit 0
"""

OTELCOL = """
case "$1" in
--version) echo "otelcol version VERSION"; exit 0 ;;
components) cat COMPONENTS; exit 0 ;;
esac
%s
if [ "$1" = validate ]; then
  if grep -q planted "${2#--config=}"; then echo "Error: planted"; exit 1; fi
  exit 0
fi
exec PYTHON SERVER "${1#--config=}"
"""

SERVER = """
import http.server, json, sys
config = json.load(open(sys.argv[1]))
host, port = config["extensions"]["health_check"]["endpoint"].split(":")
class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_):
        pass
http.server.HTTPServer((host, int(port)), Health).serve_forever()
"""


def program(path: Path, text: str) -> Path:
    """An executable script."""
    path.write_text(f"#!/bin/sh\n{text}")
    path.chmod(0o755)
    return path


def promtool(folder: Path, first: str = "") -> Path:
    """A promtool; `first` is run before it judges."""
    return program(folder / "promtool", PROMTOOL % first)


def vmalert(folder: Path, first: str = "") -> Path:
    """A vmalert; `first` is run before it judges."""
    return program(folder / "vmalert", VMALERT % first)


def otelcol(folder: Path, first: str = "", *, version: str = "0.159.0", lacks: str = "") -> Path:
    """A collector that answers its health check; it may lack a component."""
    (folder / "server.py").write_text(SERVER)
    known = [(kind.value, type_) for kind, type_ in table_of(version).components if type_ != lacks]
    listed = "".join(
        f"{kind.value}:\n" + "".join(f"    - name: {type_}\n" for section, type_ in known if section == kind.value)
        for kind in Kind
    )
    (folder / "components.yaml").write_text(listed)
    text = OTELCOL.replace("VERSION", version).replace("COMPONENTS", str(folder / "components.yaml"))
    text = text.replace("PYTHON", sys.executable).replace("SERVER", str(folder / "server.py"))
    return program(folder / "otelcol", text % first)
