"""The help of the commands: groups by what people do, options that all commands have, examples at the end."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from digitwise.cli.console import FURTHER, set_volume

if TYPE_CHECKING:
    from typer._click import Context, HelpFormatter, Parameter

GROUPS = {
    "Data": ("data", "check", "review"),
    "Train": ("train", "recipe", "sweep", "improve", "run"),
    "Understand": ("evaluate", "errors", "report", "compare"),
    "Use": ("read", "serve", "export", "calibrate"),
    "Teach": ("exercise",),
    "This installation": ("info",),
}
EVERYWHERE = "Of every command"
# Lines by command as it is typed; the first is what most people want. At most 78 characters each, since none is broken.
EXAMPLES = {
    "": (
        "digitwise read scan.png",
        "digitwise check scans/",
        "digitwise train augmented --budget 45s --open",
    ),
    "run": ("digitwise run", "digitwise run --data digits --epochs 1 --open"),
    "train": (
        "digitwise train augmented",
        "digitwise train augmented --data scans/ --out results/scans --open",
        "digitwise train flash --budget 45s",
        "digitwise train augmented --seeds 5 --jobs 2",
        "digitwise train mine.toml --model net.py:create_model_2",
    ),
    "recipe": ("digitwise recipe list", "digitwise recipe show augmented > mine.toml"),
    "recipe list": ("digitwise recipe list",),
    "recipe show": ("digitwise recipe show augmented > mine.toml",),
    "sweep": (
        "digitwise sweep flash --trials 20",
        "digitwise sweep flash --grid learning_rate=0.008,0.016 --epochs 2",
    ),
    "improve": ("digitwise improve results/augmented",),
    "evaluate": (
        "digitwise evaluate results/augmented",
        "digitwise evaluate model.keras --data scans/",
        "digitwise evaluate --reader scans/ --max-error 1%",
    ),
    "errors": ("digitwise errors results/augmented",),
    "report": (
        "digitwise report results/augmented --open",
        "digitwise report results/augmented results/baseline --target 0.5%",
    ),
    "compare": ("digitwise compare results/augmented results/baseline",),
    "export": (
        "digitwise export results/augmented",
        "digitwise export model.keras --out model.onnx",
    ),
    "calibrate": ("digitwise calibrate scans/ --max-error 1% --out mine.onnx",),
    "check": (
        "digitwise check scans/ --open",
        "digitwise check mnist --labels --review",
        "digitwise check train/ --against test/ --ignore DW01",
    ),
    "review": ("digitwise review results/check/labels.csv --data scans/ --open",),
    "read": (
        "digitwise read scan.png",
        "digitwise read scans/ --out readings.csv --max-error 1%",
        "digitwise read page.jpg --overlay seen.png",
        "digitwise read forms/ --template form.toml --out forms.csv",
    ),
    "serve": ("digitwise serve --open", "digitwise serve --model mine.onnx --port 9000"),
    "info": ("digitwise info",),
    "data": ("digitwise data list", "digitwise data show mnist"),
    "data list": ("digitwise data list",),
    "data fetch": ("digitwise data fetch mnist",),
    "data show": ("digitwise data show scans/",),
    "data normalize": ("digitwise data normalize scans/ --out normalized",),
    "exercise": ("digitwise exercise new --out class", "digitwise exercise check handed-in/"),
    "exercise new": ("digitwise exercise new --out class",),
    "exercise check": (
        "digitwise exercise check mine.ipynb --quick",
        "digitwise exercise check handed-in/ --jobs 2",
    ),
}
EXIT_CODES = (
    ("0", "Done."),
    ("1", "Done; look at what was found: findings of severity error (check), images"),
    ("", "that could not be read, or fewer digits read than asked for (read)."),
    ("2", "Bad input, or a missing part; stderr has what was expected, and what to do."),
    ("130", "Ended by Ctrl-C. What was saved is whole."),
    ("143", "Ended by SIGTERM. What was saved is whole."),
)


def _louder(asked: bool) -> None:
    if asked:
        set_volume(1)


def _quieter(asked: bool) -> None:
    if asked:
        set_volume(-1)


def _of_every_command(
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose",
            "-v",
            callback=_louder,
            expose_value=False,
            help="Also print versions, time, memory, and the traceback of an error.",
            rich_help_panel=EVERYWHERE,
        ),
    ] = False,
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet",
            "-q",
            callback=_quieter,
            expose_value=False,
            help="Print results and errors only.",
            rich_help_panel=EVERYWHERE,
        ),
    ] = False,
) -> None:
    """Options that set the volume of the consoles while the command line is read."""


@functools.cache
def _volume_options() -> list[Parameter]:
    app = typer.Typer(add_completion=False)
    app.command()(_of_every_command)
    return get_command(app).params


class _Arranged:
    """What commands and groups share: options in sections, and lines at the end that stay as they are."""

    epilog: str | None

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write arguments and options: the common ones, the further ones, those of every command."""
        sections: dict[str, list[tuple[str, str]]] = {}
        names = ("Arguments", "Options", FURTHER, EVERYWHERE)
        for param in self.get_params(ctx):  # type: ignore[attr-defined]
            if (record := param.get_help_record(ctx)) is None:
                continue
            panel = getattr(param, "rich_help_panel", None) or (EVERYWHERE if param.name == "help" else "Options")
            sections.setdefault("Arguments" if param.param_type_name == "argument" else panel, []).append(record)
        for name in names:
            if name in sections:
                with formatter.section(name):
                    formatter.write_dl(sections[name])

    def format_epilog(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write blocks of lines, each with its heading."""
        for block in (self.epilog or "").split("\n\n"):
            title, *lines = block.split("\n")
            if lines:
                with formatter.section(title):
                    formatter.write("".join(f"{'':{formatter.current_indent}}{line}\n" for line in lines))


class Command(_Arranged, TyperCommand):
    """A command with ``-v`` and ``-q``."""

    def __init__(self, *args: Any, params: list[Parameter] | None = None, **settings: Any) -> None:
        super().__init__(*args, params=[*(params or ()), *_volume_options()], **settings)


class CommandGroup(_Arranged, TyperGroup):
    """Commands, listed by what people do with them."""

    def __init__(self, *args: Any, params: list[Parameter] | None = None, **settings: Any) -> None:
        super().__init__(*args, params=[*(params or ()), *_volume_options()], **settings)

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write the commands first, then the options."""
        self.format_commands(ctx, formatter)
        super().format_options(ctx, formatter)

    def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write the commands, those of the whole program in groups."""
        groups = GROUPS if ctx.parent is None else {}
        named = [name for names in groups.values() for name in names]
        rest = tuple(name for name in self.commands if name not in named)
        width = max(map(len, self.commands))
        for group, names in {**groups, "Commands": rest}.items():
            # The description of a command is printed whole: it is broken into lines, not cut.
            rows = [
                (name.ljust(width), self.commands[name].get_short_help_str(limit=1_000))
                for name in names
                if name in self.commands
            ]
            if rows:
                with formatter.section(group):
                    formatter.write_dl(rows)


def arrange(app: typer.Typer, name: str = "") -> None:
    """Give an app and all below it their common options and examples."""
    app.info.cls, app.info.epilog = CommandGroup, _epilog(name)
    for command in app.registered_commands:
        assert command.callback is not None
        own = command.name or command.callback.__name__.replace("_", "-")
        command.cls, command.epilog = Command, _epilog(f"{name} {own}".strip())
    for group in app.registered_groups:
        assert group.typer_instance is not None
        arrange(group.typer_instance, str(group.name))


def _epilog(name: str) -> str:
    return "\n\n".join(_blocks(name))


def _blocks(name: str) -> Iterator[str]:
    if name in EXAMPLES:
        yield "\n".join(("Examples", *EXAMPLES[name]))
    if not name:
        yield "\n".join(("Exit codes", *(f"{code:>3}  {meaning}" for code, meaning in EXIT_CODES)))
        yield "\n".join(("Colour", "Only in terminals, and never where NO_COLOR is set."))
