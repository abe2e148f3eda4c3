"""``digitwise info``: versions, processor, and which data lies here."""

from __future__ import annotations

import importlib.util
import os

from digitwise.cli.console import JsonFlag, out, print_json, table


def info(as_json: JsonFlag = False) -> None:
    """Show versions, the processor's features and the data found."""
    from digitwise.data import locate
    from digitwise.data.sources import SOURCES
    from digitwise.system import hardware, versions
    from digitwise.training.options import best_precision

    backends = _backends()
    data: dict[str, str | None] = {
        name: str(folder) if (folder := locate(source)) else None for name, source in SOURCES.items()
    }
    data["digits"] = "embedded"
    facts = {
        "versions": versions(),
        "hardware": hardware(),
        "precision": best_precision(),
        "backend": _backend(),
        "backends": backends,
        "data": data,
    }
    if as_json:
        print_json(facts)
        return
    machine = hardware()
    out.print(table(("package", "version"), list(versions().items())))
    out.print(f"\n{machine['cpu']}, {machine['cores']} cores, {' '.join(machine['cpu_features'])}")
    out.print(f"backend {facts['backend']}, precision {facts['precision']}\n")
    out.print(table(("data", "found"), [(name, where or "not here") for name, where in data.items()]))


def banner(precision: str | None = None) -> str:
    """Versions, processor and precision in two lines, without importing Keras."""
    from digitwise.system import hardware, versions
    from digitwise.training.options import best_precision

    found, machine = versions(), hardware()
    return (
        f"digitwise {found['digitwise']} · Keras {found['keras']} on {_backend()} · NumPy {found['numpy']} · "
        f"Python {found['python']}\n{machine['cpu']}, {machine['cores']} cores, {' '.join(machine['cpu_features'])} · "
        f"computing in {precision or best_precision()}"
    )


def _backends() -> list[str]:
    return [name for name in ("tensorflow", "jax", "torch") if importlib.util.find_spec(name)]


def _backend() -> str | None:
    return os.environ.get("KERAS_BACKEND") or next(iter(_backends()), None)
