"""The command line: a group whose commands are imported when they are used, so that `--help` stays fast."""

from __future__ import annotations

import importlib
import keyword
import os
import sys

import click

from phoenix_gitops import __version__
from phoenix_gitops.cli.options import common

_COMMANDS: dict[str, str] = {
    "init": "Make a repository that compiles at once.",
    "new": "Begin a tenant, an environment or an SLO.",
    "validate": "Run every check on policies and output; write nothing.",
    "compile": "Compile policies into generated/.",
    "test": "Put rules and collector configs before the real tools.",
    "diff": "Show what a change of policies changes in the output.",
    "simulate": "Show what a control policy does along a trace of series.",
    "upgrade": "Show, and prepare, a change of the compiler or the collector.",
    "owners": "Write CODEOWNERS from the owners of policies.",
    "import": "Make policies from rules, namespaces and SLOs that there are.",
    "retire": "Plan how a tenant goes, step by step.",
    "rename": "Give a tenant a new name; account and data stay.",
    "move": "Plan how a tenant gets another class, step by step.",
    "explain": "Explain a code, a policy field or a generated value.",
    "publish": "Commit each environment's tree to where its cluster reads it.",
    "status": "Show what is published of what is merged.",
    "rollback": "Put an environment back to a tree that it had, and hold it.",
    "verify": "Prove that the output does not depend on the machine.",
    "fmt": "Lay policies out in their normal form, comments kept.",
    "show": "Print what any stage knows.",
    "schema": "Write JSON Schemas for editors, fetch those of resources.",
    "doctor": "Show which tools were found.",
    "completion": "Print the completion script of a shell.",
}
"""Commands with their one-line help; `cli/NAME.py` holds each as `command`, `NAME_.py` a keyword."""


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = f"{cmd_name}_" if keyword.iskeyword(cmd_name) else cmd_name
        command = importlib.import_module(f"phoenix_gitops.cli.{module}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in _COMMANDS and not args[0].startswith("-"):
            from phoenix_gitops.suggest import closest

            near = closest(args[0], list(_COMMANDS))
            hint = f" Did you mean '{near}'?" if near else ""
            raise click.UsageError(f"There is no command '{args[0]}'.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Runs the command; a reader that goes away (`| head`) is no fault, which click would make a 1."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # Keeps the interpreter from flushing into the pipe once more.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="phoenix")
@common
def phoenix() -> None:
    """Compile policies of a metrics platform into a checked GitOps tree.

    People write what each environment and tenant is owed, as YAML policies. Phoenix checks them and turns them into
    Kubernetes manifests, Argo CD or Flux objects, collector configs and Prometheus rules under generated/.

    \b
    Examples:
      phoenix init my-platform && cd my-platform && phoenix compile
      phoenix validate
      phoenix explain PHX202
    """
