"""``python -m digitwise.exercise.confined MODULE FOLDER FILE_BYTES DATA_BYTES``: first shut in, then at work.

Imports nothing that starts threads: a process that has some cannot leave the network.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from digitwise.exercise.isolation import isolate


def main() -> None:
    """Give up what is not needed, then call the module's ``main(folder, missing)``."""
    module, folder, file_bytes, data_bytes = sys.argv[1:]
    sys.argv[1:] = []
    missing = isolate(Path(folder), file_bytes=int(file_bytes), data_bytes=int(data_bytes))
    importlib.import_module(module).main(Path(folder), missing)


if __name__ == "__main__":
    main()
