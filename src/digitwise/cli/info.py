"""``digitwise info``: versions, processor, GPU, which data lies here, and which parts are missing for what."""

from __future__ import annotations

from typing import Any

from digitwise.cli.console import JsonFlag, out, print_json, table
from digitwise.errors import MissingPartError
from digitwise.parts import BACKENDS, EXTRAS, is_found
from digitwise.training.devices import choose


def info(as_json: JsonFlag = False) -> None:
    """Show versions, the processor, the GPU, the data found, and what is missing for what."""
    from digitwise.data import locate
    from digitwise.data.sources import SOURCES
    from digitwise.system import hardware, versions
    from digitwise.training.options import best_precision

    data: dict[str, str | None] = {
        name: str(folder) if (folder := locate(source)) else None for name, source in SOURCES.items()
    }
    data["digits"] = "embedded"
    gpu = _gpu()
    facts = {
        "versions": versions(),
        "hardware": hardware(),
        "precision": best_precision(),
        "backend": _backend(),
        "why": choose().why,
        "backends": _backends(),
        "gpu": gpu,
        "data": data,
        "extras": {
            extra.name: {"for": extra.purpose, "missing": extra.missing, "install": extra.install} for extra in EXTRAS
        },
    }
    if as_json:
        print_json(facts)
        return
    out.print(table(("package", "version"), list(versions().items())))
    out.print(f"\n{_machine()}\n{_told(gpu)}")
    if (backend := _backend()) is not None:
        out.print(f"backend {backend}, precision {facts['precision']}: {facts['why']}")
    out.print()
    out.print(table(("data", "found"), [(name, where or "not here") for name, where in data.items()]))
    out.print()
    rows = [
        (extra.purpose, f"not here ({', '.join(extra.missing)}): {extra.install}" if extra.missing else "here")
        for extra in EXTRAS
    ]
    out.print(table(("part for", "installed"), [("read, check, evaluate, report", "here"), *rows]))


def banner(precision: str | None = None) -> str:
    """Versions, processor and precision in two lines, without importing Keras."""
    from digitwise.system import versions
    from digitwise.training.options import best_precision

    found = versions()
    choice = choose()
    keras = f"Keras {found['keras']} on {choice.backend} · " if "keras" in found else ""
    device = f"{choice.backend}: {choice.why} · " if choice.gpu else ""
    return (
        f"digitwise {found['digitwise']} · {keras}NumPy {found['numpy']} · Python {found['python']}\n"
        f"{_machine()} · {device}computing in {precision or best_precision(accelerator=choice.gpu)}"
    )


def _machine() -> str:
    from digitwise.system import hardware

    found = hardware()
    return f"{found['cpu']}, {found['cores']} cores, {' '.join(found['cpu_features'])}"


def _backends() -> list[str]:
    return list(filter(is_found, BACKENDS))


def _backend() -> str | None:
    return choose().backend


def _gpu() -> dict[str, Any]:
    """The GPUs seen, and whether trainings use one; the backend is asked, which takes seconds, only if there is one."""
    from digitwise.system import gpus

    seen, used = gpus(), False
    if seen:
        try:
            from digitwise.training.backend import on_accelerator

            used = on_accelerator()
        except MissingPartError:
            used = False
    return {"seen": seen, "used": used}


def _told(gpu: dict[str, Any]) -> str:
    if not gpu["seen"]:
        return "no GPU seen: trainings run on the processor"
    names = ", ".join(gpu["seen"])
    if gpu["used"]:
        return f"{names}: used by {_backend()}"
    if (backend := _backend()) is None:
        return f"{names}: not used, since nothing to train with is installed"
    return (
        f"{names}: seen, not used by {backend}; install JAX, TensorFlow or PyTorch for it, as with "
        'pip install "jax[cuda12]"'
    )
