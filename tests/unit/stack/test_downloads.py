"""What doctor asks before anything is fetched: the answers of a Maven repository and of pip."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from sightline.stack.downloads import check_maven, check_packages
from sightline.stack.machine import Verdict
from sightline.stack.maven import LockedJar

JAR = LockedJar("org.example", "thing", "1.0", "0" * 64, "linux-x86_64")
NOWHERE = "http://127.0.0.1:9"


class _Repository(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        there = self.path == "/maven/org/example/thing/1.0/thing-1.0-linux-x86_64.jar"
        self.send_response(200 if there else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), _Repository) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def test_a_repository_that_has_the_jar_will_do(port: int) -> None:
    assert check_maven(JAR, f"http://127.0.0.1:{port}/maven/").verdict is Verdict.GOOD


def test_one_that_has_it_not_is_said_with_its_answer_and_without_its_password(port: int) -> None:
    answer = check_maven(JAR, f"http://user:secret@127.0.0.1:{port}/other")
    assert answer.verdict is Verdict.BAD
    assert "404" in answer.said
    assert "secret" not in answer.said
    assert "SIGHTLINE_CACHE_MAVEN_URL" in answer.fix


def test_one_that_cannot_be_reached_is_said() -> None:
    answer = check_maven(JAR, NOWHERE)
    assert answer.verdict is Verdict.BAD
    assert "127.0.0.1" in answer.said


def test_an_index_that_cannot_be_reached_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", NOWHERE)
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    answer = check_packages()
    assert answer.verdict is Verdict.BAD
    assert "nvidia-pytriton" in answer.said
