"""``digitwise review``: decide about doubtful labels in a browser."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from digitwise.cli.console import DataOption, JsonFlag, LabelColumnOption, browse, err, out, print_json, stage


def review(
    file: Annotated[Path, typer.Argument(metavar="LABELS.CSV", help="Made by digitwise check --labels --review.")],
    data: DataOption = "mnist",
    label_column: LabelColumnOption = None,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8001,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Decide about doubtful labels image by image, in a browser; each decision is in the file at once."""
    from digitwise.server import check_parts

    check_parts()
    from digitwise.cli.live import DownloadBar
    from digitwise.data import load
    from digitwise.data.patches import read_patch
    from digitwise.server.review import Labels, progress, review_app
    from digitwise.server.security import is_local
    from digitwise.server.serving import listen, serve, url_of

    read_patch(file)  # what is wrong with it is told before the data is read
    labels = Labels(file, load(data or "mnist", label_column=label_column, progress=DownloadBar(stage(as_json))))
    found = progress(labels.read())
    local = is_local(f"[{host}]" if ":" in host else host)
    with listen(host, port) as sock:
        url = url_of(sock)
        if as_json:
            print_json({"url": url, "file": str(file), "data": labels.dataset.name, **found})
            sys.stdout.flush()  # whoever reads it waits for it
        else:
            out.print(f"Decide at {url} ({found['decided']:,} of {found['images']:,} are decided); Ctrl-C ends it")
        if not local:
            err.print(f"whoever reaches {host} can see the images and decide", style="yellow")
        if open_page:
            browse(url)
        serve(review_app(labels, loopback=local), sock)
    if not as_json:
        state = labels.state(labels.read())
        decided, images = state["progress"]["decided"], state["progress"]["images"]
        out.print(f"{decided:,} of {images:,} are decided; go on with {state['commands'][-1]}")
