"""``digitwise recipe``: the recipes that ship, and one of them as a file to change."""

from __future__ import annotations

from typing import Annotated

import typer

from digitwise.cli.console import JsonFlag, out, print_json, table
from digitwise.escaping import printable
from digitwise.recipes import RECIPES, find

app = typer.Typer(help="The recipes that ship, and one of them as a file to change.", no_args_is_help=True)


@app.command("list")
def list_recipes(as_json: JsonFlag = False) -> None:
    """List the recipes: network, epochs, optimizer and purpose."""
    if as_json:
        print_json([recipe.as_dict() for recipe in RECIPES.values()])
        return
    rows = [
        (each.name, ", ".join((each.model, *each.other_models)), each.epochs, each.optimizer, each.purpose)
        for each in RECIPES.values()
    ]
    out.print(table(("recipe", "network", "epochs", "optimizer", "purpose"), rows))


@app.command("show")
def show(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help=f"{', '.join(RECIPES)}, or a file NAME.toml.")],
    as_json: JsonFlag = False,
) -> None:
    """Print a recipe as TOML, each choice explained: to keep in a file, change, and train by its name."""
    found = find(recipe)
    if as_json:
        print_json(found.as_dict())
        return
    typer.echo(printable(found.to_toml(), keep="\n"), nl=False)
