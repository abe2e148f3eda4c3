"""The help of the commands: groups by what people do, options that all commands have, examples at the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

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
VOLUMES = {
    "verbose": (1, ("--verbose", "-v"), "Also print versions, time, memory, and the traceback of an error."),
    "quiet": (-1, ("--quiet", "-q"), "Print results and errors only."),
}
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
    ),
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
    ("1", "Done, and something has to be looked at: a finding of severity error (check), an image that could not be"),
    ("", "read, or fewer digits read than asked for (read)."),
    ("2", "Bad input, or a missing part: one line on stderr says what was expected, and what to do."),
    ("130", "Ended by Ctrl-C. What was saved is whole."),
    ("143", "Ended by SIGTERM. What was saved is whole."),
)


def _volume_options() -> list[Parameter]:
    """``-v`` and ``-q``; each sets the volume of the consoles while the command line is read."""

    def option(name: str, level: int, names: Sequence[str], told: str) -> TyperOption:
        def heard(_: Context, __: Parameter, given: bool) -> None:
            if given:
                set_volume(level)

        return TyperOption(
            param_decls=[name, *names],
            type_descriptor=bool,
            is_flag=True,
            default=False,
            callback=heard,
            expose_value=False,
            help=told,
            rich_help_panel=EVERYWHERE,
        )

    return [option(name, *rest) for name, rest in VOLUMES.items()]


class _Arranged:
    """What commands and groups share: options in sections, and lines at the end that stay as they are."""

    epilog: str | None

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
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
        for block in (self.epilog or "").split("\n\n"):
            title, *lines = block.split("\n")
            if lines:
                with formatter.section(title):
                    formatter.write("".join(f"{'':{formatter.current_indent}}{line}\n" for line in lines))


class Command(_Arranged, TyperCommand):
    """A command with ``-v`` and ``-q``."""

    def __init__(self, *args: Any, params: list[Parameter] | None = None, **settings: Any) -> None:
        super().__init__(*args, params=[*(params or ()), *_volume_options()], **settings)


class Group(_Arranged, TyperGroup):
    """Commands, listed by what people do with them."""

    def __init__(self, *args: Any, params: list[Parameter] | None = None, **settings: Any) -> None:
        super().__init__(*args, params=[*(params or ()), *_volume_options()], **settings)

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        self.format_commands(ctx, formatter)
        super().format_options(ctx, formatter)

    def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:
        width = max(map(len, self.commands))
        panels: dict[str, list[tuple[str, str]]] = {}
        for name, command in self.commands.items():
            told = command.get_short_help_str(limit=1_000)  # whole: it is broken into lines, not cut
            panels.setdefault(getattr(command, "rich_help_panel", None) or "Commands", []).append(
                (name.ljust(width), told)
            )
        for panel in sorted(panels, key=_rank):
            with formatter.section(panel):
                formatter.write_dl(panels[panel])


def arrange(app: typer.Typer, name: str = "") -> None:
    """Give an app and all below it their groups, common options and examples."""
    app.info.cls, app.info.epilog = Group, _epilog(name)
    for command in app.registered_commands:
        assert command.callback is not None
        own = command.name or command.callback.__name__.replace("_", "-")
        command.cls, command.epilog = Command, _epilog(f"{name} {own}".strip())
        command.rich_help_panel = None if name else _group_of(own)
    for group in app.registered_groups:
        assert group.typer_instance is not None
        group.rich_help_panel = _group_of(str(group.name))
        arrange(group.typer_instance, str(group.name))


def _group_of(command: str) -> str:
    return next((group for group, commands in GROUPS.items() if command in commands), "Commands")


def _rank(panel: str) -> int:
    return [*GROUPS, "Commands"].index(panel)


def _epilog(name: str) -> str:
    return "\n\n".join(_blocks(name))


def _blocks(name: str) -> Iterator[str]:
    if name in EXAMPLES:
        yield "\n".join(("Examples", *EXAMPLES[name]))
    if not name:
        yield "\n".join(("Exit codes", *(f"{code:>3}  {meaning}" for code, meaning in EXIT_CODES)))
        yield "\n".join(("Colour", "Only in terminals, and never where NO_COLOR is set."))
