"""The program `phoenix`: runs the command line and turns what happens into an exit code.

0 fine, 1 findings or drift, 2 cannot run, 3 our bug (a crash log is kept), 130 interrupted.
"""

from __future__ import annotations

import gc
import sys
from pathlib import Path

import click

from phoenix_gitops.cli import phoenix


def main() -> None:
    """Run `phoenix` with the process's arguments and exit."""
    # A run makes millions of objects and hardly a cycle: looking for them took a fifth of its time.
    gc.disable()
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run `phoenix` with these arguments; gives the exit code."""
    try:
        result = phoenix.main(arguments, prog_name="phoenix", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return 130
    except Exception as error:
        return _crashed(error)
    return result if isinstance(result, int) else 0


def _crashed(error: Exception) -> int:
    import platform
    import tempfile
    import traceback

    from phoenix_gitops import __version__

    text = (
        f"phoenix-gitops {__version__}, Python {platform.python_version()}, {platform.system()}\n"
        f"arguments: {sys.argv[1:]}\n\n{''.join(traceback.format_exception(error))}"
    )
    with tempfile.NamedTemporaryFile("w", prefix="phoenix-crash-", suffix=".log", delete=False) as log:
        log.write(text)
    click.echo(f"phoenix has a bug: {type(error).__name__}: {error}", err=True)
    click.echo(f"please report it with {Path(log.name)}; the next run mends a write that was cut short", err=True)
    return 3


if __name__ == "__main__":
    main()
