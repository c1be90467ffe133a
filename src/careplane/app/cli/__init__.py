"""The command line: one file a verb, gathered here and read when its verb is asked for.

Exit codes: 0 done; 1 refused or failed, with the reason on standard error; 2 wrong usage; 130
interrupted. `--json` prints one JSON value on standard output and nothing else there: logs, from
warnings on, go to standard error.
"""

from __future__ import annotations

import sys

import typer

from careplane.app.cli.verbs import Verbs
from careplane.kernel import observe
from careplane.kernel.errors import CareplaneError

app = typer.Typer(
    cls=Verbs,
    name="careplane",
    help="An open cloud platform for health care.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _every_verb() -> None:
    """What all verbs have in common: nothing."""


def main() -> None:
    """The entry point: an error that we know ends with its text, not with a trace."""
    observe.log("warning")
    try:
        app()
    except CareplaneError as error:
        for issue in error.issues:
            place = f" ({issue.where})" if issue.where else ""
            print(f"careplane: {issue.text}{place}", file=sys.stderr)  # noqa: T201
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
