"""A published model is fetched whole and right over whatever connection there is, or not at all."""

import hashlib
import http.server
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from sightline.cli.app import run
from sightline.errors import SightlineError
from sightline.vision.describe import find_model
from sightline.vision.heads import Head
from sightline.vision.labels import COCO_LABELS
from triton_repo import catalogue
from triton_repo.catalogue import CATALOGUE, CatalogueModel
from triton_repo.download import Wanted, download, shown
from triton_repo.get import address_of

DATA = bytes(np.random.default_rng(0).integers(0, 256, 300_000, dtype=np.uint8))


@dataclass
class Site:
    """A web server's ways, and what was asked of it."""

    data: bytes = DATA
    ranges: bool = True
    break_after: int | None = None
    breaks: int = 10**9
    status: int = 200
    reason: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    length: bool = True
    asked: list[tuple[str, str | None, str | None]] = field(default_factory=list)
    address: str = ""


@contextmanager
def serving(site: Site) -> Iterator[Site]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_args: object) -> None:
            pass

        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            site.asked.append((self.path, wanted, self.headers.get("Authorization")))
            if site.status != 200:
                self.send_response(site.status, site.reason)
                for name, value in site.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                return
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and site.ranges else 0
            if start >= len(site.data):
                self.send_error(416)
                return
            body = site.data[start:]
            self.send_response(206 if start else 200)
            for name, value in site.headers.items():
                self.send_header(name, value)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(site.data) - 1}/{len(site.data)}")
            if site.length:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if site.break_after is not None and site.breaks > 0:
                site.breaks -= 1
                body = body[: site.break_after]
            self.wfile.write(body)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    site.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def fetch(site: Site, part: Path, data: bytes = DATA) -> list[int]:
    progress: list[int] = []
    wanted = Wanted(f"{site.address}/m.onnx", len(data), hashlib.sha256(data).hexdigest())
    download(wanted, part, progress.append, lambda _s: None)
    return progress


def test_a_file_comes_whole_and_its_progress_is_told(tmp_path: Path) -> None:
    with serving(Site()) as site:
        progress = fetch(site, tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == DATA
    assert progress == sorted(progress)
    assert progress[-1] == len(DATA)


def test_a_download_that_breaks_again_and_again_goes_on_where_it_stopped(tmp_path: Path) -> None:
    with serving(Site(break_after=40_000)) as site:
        fetch(site, tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == DATA
    assert [asked[1] for asked in site.asked[:3]] == [None, "bytes=40000-", "bytes=80000-"]


def test_what_an_earlier_process_fetched_is_not_fetched_again(tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(DATA[:100_000])
    with serving(Site()) as site:
        fetch(site, tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == DATA
    assert [asked[1] for asked in site.asked] == ["bytes=100000-"]


def test_a_server_that_cannot_start_in_the_middle_sends_all_again(tmp_path: Path) -> None:
    with serving(Site(ranges=False, break_after=250_000, breaks=2)) as site:
        fetch(site, tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == DATA
    assert len(site.asked) == 3


def test_a_server_that_never_gets_further_is_given_up(tmp_path: Path) -> None:
    with (
        serving(Site(ranges=False, break_after=1000)) as site,
        pytest.raises(SightlineError, match="ended after 1000 of 300000 bytes"),
    ):
        fetch(site, tmp_path / "part")
    assert len(site.asked) == 5


def test_a_connection_that_brings_next_to_nothing_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("triton_repo.download.MOST_TRIES", 20)
    with (
        serving(Site(break_after=10)) as site,
        pytest.raises(SightlineError, match="ended after 200 of 300000 bytes"),
    ):
        fetch(site, tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == DATA[:200]


def test_the_wrong_beginning_of_another_file_is_fetched_anew(tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(b"<html>" * 1000)
    with serving(Site()) as site:
        fetch(site, tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == DATA
    (tmp_path / "part").write_bytes(DATA + b"more")
    with serving(Site()) as site:
        fetch(site, tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == DATA


def test_a_file_of_another_digest_is_refused_and_not_kept(tmp_path: Path) -> None:
    with (
        serving(Site(data=DATA[:-1] + b"x")) as site,
        pytest.raises(SightlineError, match=r"has the SHA-256 .*; expected .* It was deleted"),
    ):
        fetch(site, tmp_path / "part")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("length", "says"), [(True, "9 bytes; expected 300000"), (False, "ended after 9")])
def test_a_page_in_place_of_the_file_is_refused(tmp_path: Path, length: bool, says: str) -> None:
    with serving(Site(data=b"<html/>\r\n", length=length)) as site, pytest.raises(SightlineError, match=says):
        fetch(site, tmp_path / "part")


def test_a_file_without_an_end_is_refused(tmp_path: Path) -> None:
    with (
        serving(Site(data=DATA + b"more", length=False)) as site,
        pytest.raises(SightlineError, match="more than 300000 bytes"),
    ):
        fetch(site, tmp_path / "part")
    assert (tmp_path / "part").stat().st_size == 0


@pytest.mark.parametrize(("status", "tries"), [(404, 1), (403, 1), (503, 4)])
def test_what_a_server_refuses_is_said_and_tried_again_only_if_it_may_pass(
    tmp_path: Path, status: int, tries: int
) -> None:
    with serving(Site(status=status)) as site, pytest.raises(SightlineError, match=f"HTTP {status}"):
        fetch(site, tmp_path / "part")
    assert len(site.asked) == tries


@pytest.mark.parametrize(
    ("site", "says"),
    [
        (Site(status=302, headers={"Location": "http://[::bad/x"}), "leads to what is no address"),
        (Site(status=302, headers={"Location": "file:///etc/passwd"}), "is not allowed"),
        (Site(status=404, reason="\x1b[31mGone"), r"HTTP 404 \[31mGone"),
        (Site(headers={"Content-Encoding": "gzip"}), r"is sent packed \(gzip\)"),
    ],
)
def test_what_a_server_says_wrongly_is_a_sentence(tmp_path: Path, site: Site, says: str) -> None:
    with serving(site), pytest.raises(SightlineError, match=says):
        fetch(site, tmp_path / "part")


def test_an_address_may_have_umlauts_and_blanks(tmp_path: Path) -> None:
    with serving(Site()) as site:
        site.address += "/für alle%20/ä?token=a b"
        fetch(site, tmp_path / "part")
    assert site.asked[0][0] == "/f%C3%BCr%20alle%20/%C3%A4?token=a%20b/m.onnx"


def test_a_password_is_used_and_never_shown(tmp_path: Path) -> None:
    with serving(Site(status=404)) as site:
        site.address = site.address.replace("http://", "http://ann:s%20cret@")
        with pytest.raises(SightlineError) as caught:
            fetch(site, tmp_path / "part")
    assert site.asked[0][2] == "Basic YW5uOnMgY3JldA=="
    assert "cret" not in str(caught.value)
    assert shown("https://ann:secret@host/a?token=x") == "https://host/a"


def test_two_processes_do_not_write_one_file(tmp_path: Path) -> None:
    import fcntl

    with (tmp_path / "part").open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with serving(Site()) as site, pytest.raises(SightlineError, match="Another process downloads"):
            fetch(site, tmp_path / "part")


@pytest.fixture
def tiny(
    make_model: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> tuple[CatalogueModel, bytes]:
    """A model of the catalogue that is small, and its file."""
    data = make_model(np.zeros((84, 85), np.float32)).read_bytes()
    model = replace(
        CATALOGUE["yolox-nano"], bytes=len(data), sha256=hashlib.sha256(data).hexdigest(),
        address="http://127.0.0.1:9/yolox_nano.onnx",
    )  # fmt: skip
    monkeypatch.setitem(catalogue.CATALOGUE, "yolox-nano", model)  # type: ignore[arg-type]  # a dict it is
    monkeypatch.chdir(tmp_path)
    Path("here").mkdir()
    monkeypatch.chdir("here")
    return model, data


def test_the_model_is_added_and_runs_without_more_words(
    tiny: tuple[CatalogueModel, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(Site(data=tiny[1])) as site:
        assert run(["models", "get", "yolox-nano", "--mirror", f"{site.address}/models/"]) == 0
        assert run(["models", "get", "yolox-nano", "--mirror", f"{site.address}/models/"]) == 1
    assert [asked[0] for asked in site.asked] == ["/models/yolox_nano.onnx"]
    captured = capsys.readouterr()
    assert "licence Apache-2.0" in captured.out
    assert "100% of" in captured.err
    assert "There is a model models/yolox-nano already" in captured.err
    assert [path.name for path in Path("models").iterdir()] == ["yolox-nano"]
    _, spec = find_model(Path("models/yolox-nano"))
    assert (spec.head, spec.labels) == (Head.YOLOX, COCO_LABELS)


def test_the_mirror_may_be_a_setting(tiny: tuple[CatalogueModel, bytes]) -> None:
    with serving(Site(data=tiny[1])) as site:
        assert run(["--set", f"model.mirror={site.address}", "models", "get", "yolox-nano"]) == 0
    assert site.asked[0][0] == "/yolox_nano.onnx"


def test_without_a_network_the_other_ways_are_named(
    tiny: tuple[CatalogueModel, bytes], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("triton_repo.download._FIRST_WAIT_S", 0.0)
    assert run(["models", "get", "yolox-nano"]) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "Cannot download http://127.0.0.1:9/yolox_nano.onnx ([Errno 111] Connection refused)" in said
    assert "--mirror" in said
    assert "--file" in said
    assert list(Path().iterdir()) == []


def test_a_file_from_elsewhere_is_checked_and_added(
    tiny: tuple[CatalogueModel, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("from-usb.onnx").write_bytes(tiny[1])
    assert run(["models", "get", "yolox-nano", "--file", "from-usb.onnx"]) == 0
    assert find_model(Path("models/yolox-nano"))[1].head is Head.YOLOX
    Path("from-usb.onnx").write_bytes(b"other")
    assert run(["models", "get", "yolox-nano", "--file", "from-usb.onnx", "--replace"]) == 1
    assert run(["models", "get", "yolox-nano", "--file", "gone.onnx", "--replace"]) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "from-usb.onnx is not yolox-nano: its SHA-256 is" in said
    assert "Cannot read gone.onnx" in said


@pytest.mark.parametrize(
    "mirror", ["ftp://host/x", "host/x", "", "http://", "file:///etc/passwd", "http://a:b:c"]
)
def test_what_is_no_address_is_refused(mirror: str) -> None:
    with pytest.raises(SightlineError, match="no address of a web server"):
        address_of(CATALOGUE["yolox-nano"], mirror)


def test_the_catalogue_is_listed_and_another_name_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "get"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in ("yolox-nano", "yolox-tiny", "yolox-s"))
    assert run(["models", "get", "yolo"]) == 1
    assert "There are yolox-nano, yolox-tiny, yolox-s" in capsys.readouterr().err


def test_the_catalogue_names_each_file_by_its_digest() -> None:
    for model in CATALOGUE.values():
        assert re.fullmatch("[0-9a-f]{64}", model.sha256)
        assert model.address.startswith("https://github.com/Megvii-BaseDetection/YOLOX/releases/download/")
        assert model.file.endswith(".onnx")
    assert len({model.sha256 for model in CATALOGUE.values()}) == len(CATALOGUE)
