"""The named sets: what their files are called, where mirrors keep them, and how to know them by content."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field

from digitwise.errors import DataNotFoundError

DIGITS = tuple("0123456789")


@dataclass(frozen=True)
class SourceFile:
    """One published file.

    Parameters
    ----------
    name : str
        File name on the mirrors and in the cache, of IDX gzipped.
    sha256 : str
        Of the unpacked content, so that a recompressed copy is known too; empty where only ``md5`` is published.
    md5 : str
        Of the published file.
    what : str
        What of the set it holds, if that is a part of it.
    """

    name: str
    sha256: str = ""
    md5: str = ""
    what: str = ""


@dataclass(frozen=True)
class Source:
    """A named set.

    Parameters
    ----------
    name, title, licence : str
    class_names : tuple of str
    mirrors : tuple of str
        Base addresses, tried in order; none where no checksum of the files is known.
    files : tuple of SourceFile
        Of IDX training images, training labels, test images, test labels; else training, and test if there is one.
    archive : SourceFile, optional
        One zip on the mirrors that holds all the files under ``gzip/``.
    transposed : bool
        Whether rows and columns are exchanged in the published files.
    size : str
        How many images of which size, in words.
    citation : str
        The publication to cite.
    page : str
        Where the files are to be had by hand; empty where the mirrors have them.
    parts : tuple of SourceFile
        Files of which each holds a part of the set, taken where the whole is not on this machine.
    """

    name: str
    title: str
    licence: str
    mirrors: tuple[str, ...]
    files: tuple[SourceFile, ...]
    class_names: tuple[str, ...] = DIGITS
    archive: SourceFile | None = None
    transposed: bool = False
    size: str = field(default="60,000 + 10,000 of 28x28")
    citation: str = ""
    page: str = ""
    parts: tuple[SourceFile, ...] = ()

    @property
    def is_idx(self) -> bool:
        """Whether the files are IDX, else text."""
        return "idx" in self.files[0].name

    @property
    def checksum(self) -> str:
        """What its files are known by: ``sha256``, ``md5``, or ``none published``, of each kind once."""
        files = [self.archive] if self.archive else self.files
        kinds = ["sha256" if file.sha256 else "md5" if file.md5 else "none published" for file in files]
        return ", ".join(dict.fromkeys(kinds))


def _mnist_like(*digests: str, kind: str) -> tuple[SourceFile, ...]:
    names = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    return tuple(SourceFile(f"{n}-ubyte.gz", **{kind: d}) for n, d in zip(names, digests, strict=True))


SOURCES = {
    source.name: source
    for source in (
        Source(
            name="mnist",
            title="MNIST, handwritten digits (LeCun, Cortes, Burges)",
            licence="CC BY-SA 3.0",
            citation="LeCun, Bottou, Bengio, Haffner 1998, doi:10.1109/5.726791",
            mirrors=(
                "https://ossci-datasets.s3.amazonaws.com/mnist/",
                "https://storage.googleapis.com/cvdf-datasets/mnist/",
                "https://yann.lecun.com/exdb/mnist/",
            ),
            files=_mnist_like(
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
                kind="sha256",
            ),
        ),
        Source(
            name="fashion-mnist",
            title="Fashion-MNIST, articles of clothing (Zalando Research)",
            licence="MIT",
            citation="Xiao, Rasul, Vollgraf 2017, arXiv:1708.07747",
            mirrors=(
                "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
                "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            ),
            class_names=(
                "T-shirt/top",
                "Trouser",
                "Pullover",
                "Dress",
                "Coat",
                "Sandal",
                "Shirt",
                "Sneaker",
                "Bag",
                "Ankle boot",
            ),
            files=_mnist_like(
                "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
                "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
                "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
                "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
                kind="sha256",
            ),
        ),
        Source(
            name="kmnist",
            title="Kuzushiji-MNIST, cursive Japanese (CODH)",
            licence="CC BY-SA 4.0",
            citation="Clanuwat et al. 2018, arXiv:1812.01718",
            mirrors=("http://codh.rois.ac.jp/kmnist/dataset/kmnist/",),
            class_names=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
            files=_mnist_like(
                "bdb82020997e1d708af4cf47b453dcf7",
                "e144d726b3acfaa3e44228e80efcd344",
                "5c965bf0a639b31b8f53240b1b52f4d7",
                "7320c461ea6c1c855c0b718fb2a4b134",
                kind="md5",
            ),
        ),
        Source(
            name="qmnist",
            title="QMNIST, MNIST rebuilt with 60,000 test digits (Yadav, Bottou)",
            licence="BSD-3-Clause",
            citation="Yadav, Bottou 2019, arXiv:1905.10498",
            size="60,000 + 60,000 of 28x28",
            mirrors=("https://raw.githubusercontent.com/facebookresearch/qmnist/master/",),
            files=(
                SourceFile("qmnist-train-images-idx3-ubyte.gz", md5="ed72d4157d28c017586c42bc6afe6370"),
                SourceFile("qmnist-train-labels-idx2-int.gz", md5="0058f8dd561b90ffdd0f734c6a30e5e4"),
                SourceFile("qmnist-test-images-idx3-ubyte.gz", md5="1394631089c404de565df7b7aeaf9412"),
                SourceFile("qmnist-test-labels-idx2-int.gz", md5="5b5b05890a5e13444e108efe57b788aa"),
            ),
        ),
        Source(
            name="emnist-digits",
            title="EMNIST digits (Cohen, Afshar, Tapson, van Schaik)",
            licence="public domain (NIST)",
            citation="Cohen, Afshar, Tapson, van Schaik 2017, arXiv:1702.05373",
            size="240,000 + 40,000 of 28x28",
            mirrors=(
                "https://biometrics.nist.gov/cs_links/EMNIST/",
                "https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/",
            ),
            archive=SourceFile("gzip.zip", md5="58c8d27c78d21e728a6bc7b3cc06412e"),
            transposed=True,
            files=tuple(
                SourceFile(f"emnist-digits-{part}-ubyte.gz")
                for part in ("train-images-idx3", "train-labels-idx1", "test-images-idx3", "test-labels-idx1")
            ),
        ),
        Source(
            name="usps",
            title="USPS, digits of postal codes (Hull)",
            licence="not stated",
            citation="Hull 1994, doi:10.1109/34.291440",
            size="7,291 + 2,007 of 16x16",
            mirrors=("https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass/",),
            files=(  # md5 as torchvision publishes them
                SourceFile("usps.bz2", md5="ec16c51db3855ca6c91edd34d0e9b197"),
                SourceFile("usps.t.bz2", md5="8ea070ee2aca1ac39742fdd1ef5ed118"),
            ),
        ),
        Source(
            name="optdigits",
            title="optdigits, forms of 43 writers (Alpaydin, Kaynak; UCI)",
            licence="CC BY 4.0",
            citation="Alpaydin, Kaynak 1998, doi:10.24432/C50P49",
            size="3,823 + 1,797 of 8x8",
            mirrors=(),
            page="https://archive.ics.uci.edu/static/public/80/optical+recognition+of+handwritten+digits.zip",
            files=(
                SourceFile("optdigits.tra"),
                SourceFile("optdigits.tes", sha256="6ebb3d2fee246a4e99363262ddf8a00a3c41bee6014c373ed9d9216ba7f651b8"),
            ),
            parts=(
                SourceFile(
                    "optdigits_train.npz",
                    sha256="ae5bc9ee293e99da3ea2617202820fc1048c0e7dd501b940bf1d30070f14256f",
                    what="1,934 training images of 32x32, before they were made smaller",
                ),
            ),
        ),
        Source(
            name="semeion",
            title="Semeion, digits of 80 writers (Buscema, Terzi; UCI)",
            licence="CC BY 4.0",
            citation="Buscema, Terzi 1994, doi:10.24432/C5SC8V",
            size="1,593 of 16x16",
            mirrors=("https://archive.ics.uci.edu/ml/machine-learning-databases/semeion/",),
            page="https://archive.ics.uci.edu/static/public/178/semeion+handwritten+digit.zip",
            files=(SourceFile("semeion.data", md5="cb545d371d2ce14ec121470795a77432"),),  # as torchvision publishes it
            parts=(
                SourceFile(
                    "semeion_first_800.npz",
                    sha256="54db3736df9fce2ec856831e6e202139fe2fa15e9d3a1ef7c146d28a242e7d3e",
                    what="the first 800 of 1,593 images, 40 of the 80 writers",
                ),
            ),
        ),
    )
}

EMBEDDED = "digits"
NAMES = (*SOURCES, EMBEDDED)


def source(name: str) -> Source:
    """Look a named set up.

    Raises
    ------
    DataNotFoundError
        If there is no such name; the message has the nearest ones, if any is near.
    """
    if name in SOURCES:
        return SOURCES[name]
    near = difflib.get_close_matches(name, NAMES, n=2, cutoff=0.5)
    wanted = f"a file, a folder or one of {', '.join(NAMES)}"
    message = f"data {name!r}: expected {wanted}" + (f"; nearest: {', '.join(near)}" if near else "")
    raise DataNotFoundError(message, argument="data", expected=wanted, got=name)
