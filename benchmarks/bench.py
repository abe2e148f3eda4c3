"""Everything that README and docs say in numbers, measured on this machine; raw rows go to benchmarks/results/.

    python benchmarks/bench.py [NAME ...] [--quick] [--only CONTENDER ...] [--seeds N] [--data NAME] [--model FILE]
    python benchmarks/bench.py soak [--seconds N]
    python benchmarks/bench.py numbers [--only BENCH ...] [--limit N] [--readers READER ...] [--sheet FILE]

See docs/benchmarks.md for what each one measures, how long it takes and what its clock covers.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the benchmarks are no part of the package
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from benchmarks.ablation import bench_ablation, bench_members
from benchmarks.attack import PARTS as ATTACKS
from benchmarks.attack import bench_attack
from benchmarks.checks import bench_checks
from benchmarks.contender import PEERS, at_hand
from benchmarks.evaluation import bench_evaluation
from benchmarks.figures import draw_errors_against_seconds
from benchmarks.finding import bench_finder
from benchmarks.job import bench_job
from benchmarks.marking import bench_marking
from benchmarks.natural import bench_natural
from benchmarks.paper.run import add_options, bench_numbers, options_again
from benchmarks.paper.specimens import BENCHES as NUMBERS
from benchmarks.paper.speed import bench_numbers_speed
from benchmarks.reader import bench_pages, bench_robustness, bench_scans
from benchmarks.reader_speed import bench_reader_speed
from benchmarks.recipes import QUICK, UNTUNED, bench_budgets, bench_recipes
from benchmarks.rejection import bench_rejection
from benchmarks.scale import bench_scale
from benchmarks.server import bench_server
from benchmarks.small import bench_small
from benchmarks.soak import SECONDS, bench_soak
from benchmarks.speed import bench_augmentation, bench_fit, bench_reading, bench_report, bench_start
from benchmarks.steps import bench_steps
from benchmarks.strangers import bench_strangers
from benchmarks.tables import OTHER_SETS, write_tables
from digitwise.recipes import RECIPES


def main() -> None:
    """Run the benchmarks named, or all; each in a process of its own, so that none disturbs the next."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a look at the recipes in 5 minutes; keeps nothing")
    parser.add_argument(
        "--only",
        nargs="+",
        choices=[*RECIPES, *PEERS, *NUMBERS, *ATTACKS],
        help="for recipes, numbers, attack",
        metavar="NAME",
    )
    parser.add_argument(
        "--seeds", type=int, help="for recipes; by default 10 of the fast ones, 2 of slow peers, else 5"
    )
    parser.add_argument("--data", default="mnist", help="for recipes")
    parser.add_argument(
        "--model",
        help="for reader, strangers, rejection, natural, steps, robustness, pages, numbers: an ONNX file; "
        "else the bundled one",
    )
    parser.add_argument(
        "--unseen", action="append", default=[], metavar="SET=MODEL", help="for strangers: who reads a set instead"
    )
    parser.add_argument(
        "--network",
        action="append",
        default=[],
        metavar="NAME=ONNX",
        help="for finder: only compare these networks",
    )
    parser.add_argument(
        "--seconds", type=float, default=SECONDS, help=f"for soak: of mixed traffic to a server; by default {SECONDS}"
    )
    add_options(parser)
    benches: dict[str, Callable[[argparse.Namespace], object]] = {
        "start": lambda _: bench_start(),
        "reading": lambda _: bench_reading(),
        "fit": lambda _: bench_fit(),
        "augmentation": lambda _: bench_augmentation(),
        "recipes": lambda chosen: bench_recipes(chosen.only or at_hand(), chosen.seeds, data=chosen.data),
        "sets": lambda _: [bench_recipes(UNTUNED, 3, data=data) for data in OTHER_SETS],
        "budgets": lambda _: bench_budgets(),
        "ablation": lambda _: bench_ablation(),
        "members": lambda _: bench_members(),
        "evaluation": lambda _: bench_evaluation(),
        "checks": lambda _: bench_checks(),
        "report": lambda _: bench_report(),
        "reader": lambda chosen: bench_scans(chosen.model),
        "strangers": lambda chosen: bench_strangers(chosen.model, dict(each.split("=", 1) for each in chosen.unseen)),
        "rejection": lambda chosen: bench_rejection(chosen.model),
        "natural": lambda chosen: bench_natural(chosen.model),
        "steps": lambda chosen: bench_steps(chosen.model),
        "small": lambda _: bench_small(),
        "reader-speed": lambda _: bench_reader_speed(),
        "server": lambda _: bench_server(),
        "scale": lambda _: bench_scale(),
        "robustness": lambda chosen: bench_robustness(chosen.model),
        "pages": lambda chosen: bench_pages(chosen.model),
        "finder": lambda chosen: bench_finder({n: Path(p) for n, p in (each.split("=", 1) for each in chosen.network)}),
        "numbers": bench_numbers,
        "numbers-speed": bench_numbers_speed,
        "job": lambda _: bench_job(),
        "marking": lambda _: bench_marking(),
        "attack": lambda chosen: bench_attack(chosen.limit, chosen.only or ATTACKS),
        "soak": lambda chosen: bench_soak(chosen.seconds),
        "figure": lambda _: (draw_errors_against_seconds(), write_tables()),
    }
    parser.add_argument("names", nargs="*", help=f"of {', '.join(benches)}; all by default")
    chosen = parser.parse_intermixed_args()
    if unknown := set(chosen.names) - set(benches):
        parser.error(f"expected names of {', '.join(benches)}, got {', '.join(sorted(unknown))}")
    homes = dict.fromkeys((*RECIPES, *PEERS), "recipes") | dict.fromkeys(NUMBERS, "numbers")
    homes |= dict.fromkeys(ATTACKS, "attack")
    if strangers := {homes[name] for name in chosen.only or ()} - set(chosen.names or benches):
        parser.error(f"--only: expected names that belong to {', '.join(chosen.names)}, got some of {min(strangers)}")
    if chosen.quick:
        if chosen.names or chosen.only:
            parser.error("--quick measures its own contenders: expected no names and no --only with it")
        bench_recipes([name for name in at_hand() if name in QUICK], 1, table=None)
    elif len(chosen.names) == 1:
        benches[chosen.names[0]](chosen)
    else:
        for name in chosen.names or benches:
            print(f"--- {name}", flush=True)
            only = [each for each in chosen.only or () if homes[each] == name]
            options = [
                f"--data={chosen.data}",
                *([f"--seeds={chosen.seeds}"] if chosen.seeds else []),
                *([f"--seconds={chosen.seconds}"] if name == "soak" else []),
                *([f"--model={chosen.model}"] if chosen.model else []),
                *(["--only", *only] if only else []),
                *(options_again(chosen) if name.startswith("numbers") else []),
            ]
            subprocess.run([sys.executable, __file__, name, *options], check=True)


if __name__ == "__main__":
    main()
