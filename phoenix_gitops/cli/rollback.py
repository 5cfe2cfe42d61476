"""`phoenix rollback`: an environment back to a tree that it had, held there."""

from __future__ import annotations

import click

from phoenix_gitops.cli.options import common, current


@click.command(short_help="Put an environment back to a tree that it had, and hold it.")
@click.argument("environment")
@click.option(
    "--to", metavar="COMMIT", default="", help="What to go back to.  [default: the tree before the present one]"
)
@click.option("--reason", required=True, help="Why; the commit and every later publish say it.")
@common
def command(environment: str, to: str, reason: str) -> int:
    """Publish a tree that ENVIRONMENT had before once more, and hold it there until `phoenix publish --lift`.

    COMMIT is a commit of the environment's branch or one of the policies, of which at least seven characters are
    needed. Nothing is compiled and nothing is pushed by force: the way back is a commit like any other.

    \b
    Examples:
      phoenix rollback prod-eu --reason INC-7
      phoenix rollback prod-eu --to 4f3c2a1 --reason INC-7
    """
    from phoenix_gitops.cli.publish import destination
    from phoenix_gitops.cli.session import finish
    from phoenix_gitops.front import read_platform
    from phoenix_gitops.rollback import rollback

    options = current()
    if not reason.strip() or len(reason.splitlines()) != 1:
        raise click.BadParameter("say why in one line", param_hint="'--reason'")
    read = read_platform(options.directory)
    if read.platform is None:
        return finish(options, read.diagnostics, read.sources)
    where = destination(read.platform.spec)
    outcome = rollback(options.directory, environment, where, to=to, reason=reason.strip())
    done = outcome.value

    def show() -> None:
        if done is None:
            return
        click.echo(
            f"{environment}: {done.branch} of {done.repository}: back to what {done.back_to.source[:12]} compiled to "
            f"({done.back_to.day}), {done.files} files in {done.commit[:12]}\n"
            f"held until `phoenix publish -e {environment} --lift`"
        )
        if where.promoter:
            click.echo(f"it runs when this is merged into {where.active_of(environment)}")

    return finish(options, outcome.diagnostics, {}, show)
