"""Where commands write: nothing that digitwise did not write is ever overwritten or deleted.

The rule, for every command:

- **A folder is replaced** only where digitwise made it, it is of the same kind, and it holds nothing else. The list of
  what digitwise wrote there lies in it, ``.digitwise.json``, with the sha256 of each file: one that was changed since
  counts as the owner's.
- **A file is replaced** only where that list says that digitwise wrote it, as the same kind of thing, and it is
  unchanged; it makes no difference whether it was named on the command line or goes beside one that was.
- **Anything else is refused** in one line that names what is in the way, before the work where that can be known, and
  again when the new thing takes its place.
- A link is the owner's: one that is named is followed, any other is in the way.
- A file whose content was read and is kept (``run.json`` with another look at the test set, ``labels.csv`` with
  decisions) is updated, even if its owner has changed it.
- **One writer a place**: a second one is refused while the first one works.
- **A replacement is whole**: an exchange where the system has one; otherwise, and where several things go together,
  renames that the next start completes or takes back.

Run folders of versions without that list are known by their ``run.json`` and by the names of what lies in them.
Names that begin with ``.digitwise`` are temporary ones, locks and lists; what a killed process left of them is removed
by the next, see :mod:`digitwise.temporaries`.
"""

from digitwise.outputs.folders import (
    check_folder,
    check_places,
    discard,
    new_folder,
    put_folder,
    recover,
    recover_unless_written,
    together,
)
from digitwise.outputs.marker import MARKER, Kind
from digitwise.outputs.single_file import (
    check_file,
    claimed,
    new_file,
    output_file,
    remove_file,
    updated_file,
    waiting_for,
    write,
    write_plain,
)

__all__ = [
    "MARKER",
    "Kind",
    "check_file",
    "check_folder",
    "check_places",
    "claimed",
    "discard",
    "new_file",
    "new_folder",
    "output_file",
    "put_folder",
    "recover",
    "recover_unless_written",
    "remove_file",
    "together",
    "updated_file",
    "waiting_for",
    "write",
    "write_plain",
]
