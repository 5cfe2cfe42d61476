"""`phoenix completion`: what a shell needs to complete commands and options."""

from __future__ import annotations

import click

from phoenix_gitops.cli.options import common


@click.command(short_help="Print the completion script of a shell.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@common
def command(shell: str) -> int:
    """Print the script that completes commands and options in SHELL.

    \b
    Examples:
      phoenix completion bash > ~/.local/share/bash-completion/completions/phoenix
      phoenix completion zsh > "${fpath[1]}/_phoenix"
      phoenix completion fish > ~/.config/fish/completions/phoenix.fish
    """
    from click.shell_completion import get_completion_class

    root = click.get_current_context().find_root().command
    completer = get_completion_class(shell)
    assert completer is not None
    script = completer(root, {}, "phoenix", "_PHOENIX_COMPLETE")
    # Not `source()`: it asks the bash of this machine for its version, which need not be the one that reads this.
    click.echo((script.source_template % script.source_vars()).rstrip())
    return 0
