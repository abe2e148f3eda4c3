import gzip
import hashlib
import http.server
import threading

import pytest

from digitwise.data import download
from digitwise.data.sources import Source, SourceFile
from digitwise.errors import DataNotFoundError

CONTENT = b"images"
GOOD = SourceFile("a-ubyte.gz", sha256=hashlib.sha256(CONTENT).hexdigest())


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """A real HTTP server on this machine that serves one folder."""
    monkeypatch.setenv("DIGITWISE_CACHE", str(tmp_path / "cache"))
    served = tmp_path / "served"
    served.mkdir()
    (served / GOOD.name).write_bytes(gzip.compress(CONTENT))

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(served))

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def a_source(mirrors, file=GOOD):
    return Source("set", "A set", "none", tuple(mirrors), (file,))


def test_dead_mirror_is_passed_over_and_the_next_one_serves(mirror):
    folder = download.fetch(a_source(["http://127.0.0.1:9/", mirror]))
    assert gzip.decompress((folder / GOOD.name).read_bytes()) == CONTENT
    assert [path.name for path in folder.iterdir()] == [GOOD.name]


def test_content_with_another_checksum_is_refused_and_not_kept(mirror):
    with pytest.raises(DataNotFoundError, match="expected content with sha256"):
        download.fetch(a_source([mirror], SourceFile(GOOD.name, sha256="0" * 64)))
    assert not list((download.cache_folder() / "set").iterdir())


def test_mirror_out_of_reach_is_asked_for_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("DIGITWISE_CACHE", str(tmp_path))
    monkeypatch.setattr("pooch.retrieve", lambda *_, **__: pytest.fail("a download, which has a longer patience"))
    with pytest.raises(DataNotFoundError, match=r"none of 1 mirrors gave a-ubyte\.gz"):
        download.fetch(a_source(["http://127.0.0.1:9/"]))
    assert download.CONNECT_SECONDS < 5


def test_mirror_that_never_answers_is_not_waited_for(tmp_path, monkeypatch):
    monkeypatch.setenv("DIGITWISE_CACHE", str(tmp_path))
    monkeypatch.setattr(download, "CONNECT_SECONDS", 0.2)
    over = threading.Event()

    def silent(*_, **__):
        over.wait()
        raise OSError

    monkeypatch.setattr(download.socket, "create_connection", silent)
    monkeypatch.setattr("pooch.retrieve", lambda *_, **__: pytest.fail("a download, which has a longer patience"))
    with pytest.raises(DataNotFoundError, match=r"none of 1 mirrors gave a-ubyte\.gz"):
        download.fetch(a_source(["http://127.0.0.1:9/"]))
    over.set()


def test_what_lies_in_the_cache_is_not_fetched_again(mirror):
    download.fetch(a_source([mirror]))
    assert download.fetch(a_source(["http://127.0.0.1:9/"])).is_dir()
