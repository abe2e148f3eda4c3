"""``digitwise serve`` and ``digitwise review``: pages in a browser, to read with and to decide about labels."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitwise.cli.console import (
    FURTHER,
    DataOption,
    JsonFlag,
    LabelColumnOption,
    OpenFlag,
    browse,
    err,
    out,
    print_json,
    stage,
)
from digitwise.cli.options import ModelOption, share
from digitwise.progress import DownloadBar

if TYPE_CHECKING:
    from digitwise.server.service import Settings


def serve(
    model: ModelOption = None,
    max_error: Annotated[
        float | None,
        typer.Option(
            parser=share, metavar="SHARE", help="At most this share of what is read is wrong; all else is unsure."
        ),
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 is all of them.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Number of processes.", rich_help_panel=FURTHER)] = 1,
    token: Annotated[
        str | None,
        typer.Option(
            help="Require this bearer token; other users of this machine see it here, but not in DIGITWISE_TOKEN."
        ),
    ] = None,
    token_file: Annotated[Path | None, typer.Option(metavar="FILE", help="File with the token.")] = None,
    insecure: Annotated[
        bool,
        typer.Option("--insecure", help="Serve other machines without a token.", rich_help_panel=FURTHER),
    ] = False,
    collect: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for images that are labelled on the page.")
    ] = None,
    report: Annotated[Path | None, typer.Option(metavar="RUN", help="Show the report of this run.")] = None,
    max_pixels: Annotated[
        int, typer.Option(min=1, help="Larger images are refused, not decoded.", rich_help_panel=FURTHER)
    ] = 50_000_000,
    log: Annotated[
        bool,
        typer.Option("--log", help="Write a line per request to stderr, without its content.", rich_help_panel=FURTHER),
    ] = False,
    open_page: OpenFlag = False,
) -> None:
    """Serve a page and an API that read digits; Ctrl-C or SIGTERM stops it with exit code 0."""
    from digitwise.server import serve as serve_page
    from digitwise.server import token_of

    def tell(url: str, settings: Settings) -> None:
        if not settings.loopback and settings.token is None:
            err.print(f"everybody who reaches {host} can use this server", style="yellow")
        out.print(f"digitwise reads at {url} (API: {url}/docs); Ctrl-C ends it")
        if open_page:
            browse(url)

    if token is not None and token_file is not None:
        raise typer.BadParameter("expected --token or --token-file, got both")
    if token_file is not None:
        token = token_of(token_file.read_text(errors="replace"), str(token_file))
    serve_page(
        model,
        max_error=max_error,
        host=host,
        port=port,
        workers=workers,
        token=token,
        insecure=insecure,
        collect=collect,
        report=report,
        max_pixels=max_pixels,
        log=log,
        tell=tell,
    )


def review(
    file: Annotated[Path, typer.Argument(metavar="LABELS.CSV", help="Made by digitwise check --labels --review.")],
    data: DataOption = "mnist",
    label_column: LabelColumnOption = None,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8001,
    open_page: OpenFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Decide about doubtful labels image by image, in a browser; each decision is saved at once."""
    from digitwise.server import check_parts

    check_parts()
    from digitwise.data import load
    from digitwise.data.patches import read_patch
    from digitwise.server.refusals import is_local
    from digitwise.server.review import Labels, progress, review_app
    from digitwise.server.serving import listen, serve, url_of

    read_patch(file)  # its errors are raised before the data is read
    labels = Labels(file, load(data or "mnist", label_column=label_column, progress=DownloadBar(stage(as_json))))
    found = progress(labels.read())
    local = is_local(f"[{host}]" if ":" in host else host)
    with listen(host, port) as sock:
        url = url_of(sock)
        if as_json:
            print_json({"url": url, "file": str(file), "data": labels.dataset.name, **found})
            sys.stdout.flush()  # the reader of the document waits for it
        else:
            out.print(f"Decide at {url} ({found['decided']:,} of {found['images']:,} are decided); Ctrl-C ends it")
        if not local:
            err.print(f"everybody who reaches {host} can see the images and decide", style="yellow")
        if open_page:
            browse(url)
        serve(review_app(labels, loopback=local), sock)
    if not as_json:
        state = labels.state(labels.read())
        decided, images = state["progress"]["decided"], state["progress"]["images"]
        out.print(f"{decided:,} of {images:,} are decided; go on with {state['commands'][-1]}")
