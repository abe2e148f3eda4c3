"""From a template and plain values to a page: escaped, nothing left undefined, numbers written one way everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def render(template: str, **values: Any) -> str:
    """Fill a template of this package."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("digitwise.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": _percent,
        "range": _range,
        "stamp": _stamp,
        "signed": _signed,
        "thousands": "{:,}".format,
    }
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":")}
    return environment.get_template(template).render(**values)


def _percent(share: float | None, digits: int = 2) -> str:
    return "–" if share is None else f"{share:.{digits}%}".replace("%", " %")


def _range(interval: Sequence[float] | None, digits: int = 2) -> str:
    return "–" if interval is None else f"{100 * interval[0]:.{digits}f}–{100 * interval[1]:.{digits}f} %"


def _signed(share: float) -> str:
    return f"{100 * share:+.2f} %"


def _stamp(time: str) -> str:
    return time.replace("T", " ").replace("+00:00", " UTC")
