"""The command group `meter`. Every error ends here, as an exit code: 0 done, 1 a user error, 2 wrong usage, 3 incomplete."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from meter import settings
from meter.cli import faults
from meter.cli.commands import COMMANDS, EXAMPLES, GROUPS

INCOMPLETE = 3
INTERRUPTED = 130


CHOSEN_HOME = "meter.home"
"""Where the root context keeps what `--home` said, for the one command that must not follow METER_HOME."""


def _use_home(ctx: click.Context, _param: click.Parameter, value: str | None) -> None:
    if value is not None:
        ctx.find_root().meta[CHOSEN_HOME] = value
        settings.configure(home=value)


ABOUT_HOME = "The home to work on; default: METER_HOME, /var/lib/meter, or the user's own."


def home_option(about: str = ABOUT_HOME) -> click.Option:
    """Return the option `--home`; each command takes it too, for those who write it last."""
    return click.Option(["--home"], metavar="PATH", expose_value=False, callback=_use_home, help=about)


class MeterCommand(click.Command):
    """A command that takes `--home` behind its name as well as before it."""

    def __init__(self, *args: Any, about_home: str = ABOUT_HOME, **more: Any) -> None:
        super().__init__(*args, **more)
        self.params.append(home_option(about_home))


class MeterGroup(click.Group):
    """A group that suggests the name that was meant."""

    command_class = MeterCommand

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; for a name that is none, say which one is close."""
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            close = difflib.get_close_matches(args[0], self.list_commands(ctx), n=1)
            more = f"; did you mean {close[0]!r}?" if close else ""
            raise click.UsageError(f"there is no command {args[0]!r}{more}", ctx)
        return super().resolve_command(ctx, args)


class App(MeterGroup):
    """`meter` itself: commands come from the table, and errors become sentences."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import one command."""
        if (entry := COMMANDS.get(cmd_name)) is None:
            return None
        command: click.Command = import_module(f"meter.cli.{entry.module}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands by group; this imports none of them."""
        for title, entries in GROUPS:
            with formatter.section(title):
                formatter.write_dl([(entry.name, entry.short_help) for entry in entries])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. A reader that leaves early is caught here, since click would make an error of it."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            return faults.silence_stdout()

    def main(self, args: Sequence[str] | None = None, *more: Any, **extra: Any) -> Any:
        """Run one command and leave through SystemExit."""
        words = list(sys.argv[1:] if args is None else args)
        debug = faults.DEBUG in words
        if not debug:
            sys.excepthook = faults.unexpected
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="replace")  # a terminal that cannot show a sign still gets the rest
        extra["standalone_mode"] = False
        try:
            code = super().main(words, *more, **extra)
            sys.stdout.flush()
        except click.ClickException as error:
            error.show()
            code = error.exit_code
        except (click.Abort, KeyboardInterrupt):
            faults.say("interrupted")
            code = INTERRUPTED
        except BrokenPipeError:
            code = faults.silence_stdout()
        except faults.interruptions() as error:
            if not faults.is_interruption(error):
                raise
            faults.say("interrupted")
            code = INTERRUPTED
        except faults.expected() as error:
            if debug:
                raise
            faults.say(*faults.sentence(error))
            code = 1
        sys.exit(code if isinstance(code, int) else 0)


@click.command(
    cls=App, invoke_without_command=True, epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(None, "-V", "--version", package_name="spendmeter", message="meter %(version)s")
@click.option(faults.DEBUG, is_flag=True, expose_value=False, help="Show the traceback of an error.")
@click.option("--strict", is_flag=True, help="Exit with 3 when some calls on this screen have no full price.")
@click.pass_context
def cli(ctx: click.Context, strict: bool) -> int:
    """What every LLM call costs, who caused it, and what it was worth.

    Without a command: one screen with today, the month so far, and what to look at next.
    """
    if ctx.invoked_subcommand is None:
        from meter.cli.overview import overview

        return overview(strict)
    if strict:
        raise click.UsageError(f"--strict stands behind the command: meter {ctx.invoked_subcommand} --strict")
    return 0


cli.params.append(home_option())
