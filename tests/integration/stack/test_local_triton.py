"""The local Triton on the real server with a model that does next to nothing."""

import os
import shutil
import time
import urllib.request
from pathlib import Path

import numpy as np
import psutil
import pytest
import tritonclient.grpc

from sightline.errors import SightlineError
from sightline.stack.cache import cache_folder
from sightline.stack.models_python import locked_python, minor_version
from sightline.stack.triton import LocalTriton

MODELS = Path(__file__).parent / "models"


def sizes(url: str, images: list[bytes]) -> list[int]:
    client = tritonclient.grpc.InferenceServerClient(url)
    try:
        tensor = tritonclient.grpc.InferInput("JPEG", [len(images), 1], "BYTES")
        tensor.set_data_from_numpy(np.array(images, np.object_).reshape(-1, 1))
        answer = client.infer("echo", [tensor]).as_numpy("SIZE")
        assert answer is not None
        return [int(size) for size in answer[:, 0]]
    finally:
        client.close()


def group_members(group: int) -> list[int]:
    members = []
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                members.append(process.pid)
        except (ProcessLookupError, psutil.NoSuchProcess):
            continue
    return members


def wait_until_group_is_gone(group: int) -> None:
    until = time.monotonic() + 20
    while group_members(group) and time.monotonic() < until:
        time.sleep(0.05)
    assert group_members(group) == []


def test_a_python_model_answers_over_grpc(triton: LocalTriton) -> None:
    assert sizes(triton.grpc_url, [b"abc", bytes(60_000)]) == [3, 60_000]


def test_models_do_not_import_what_lies_in_our_working_folder_or_among_the_users_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLINE_CACHE_DIR", str(cache_folder(os.environ, Path.home())))
    monkeypatch.setenv("HOME", str(tmp_path))
    users = tmp_path / ".local" / "lib" / f"python{minor_version(locked_python())}" / "site-packages"
    users.mkdir(parents=True)
    for folder in (tmp_path, users):
        (folder / "numpy.py").write_text("raise RuntimeError('this is not the models numpy')")
    monkeypatch.chdir(tmp_path)
    with LocalTriton(MODELS, ["echo"], tmp_path / "triton.log") as triton:
        assert sizes(triton.grpc_url, [b"abc"]) == [3]


def test_metrics_count_the_requests(triton: LocalTriton) -> None:
    sizes(triton.grpc_url, [b"abc"])
    with urllib.request.urlopen(triton.metrics_url, timeout=10) as answer:
        text = answer.read().decode()
    assert 'nv_inference_request_success{model="echo",version="1"}' in text


def test_it_listens_on_loopback_only(triton: LocalTriton) -> None:
    listening = [
        each.laddr.ip.removeprefix("::ffff:")
        for each in psutil.Process(triton.pid).net_connections()
        if each.status == psutil.CONN_LISTEN
    ]
    assert len(listening) == 3
    assert set(listening) == {"127.0.0.1"}


def test_after_kill_9_it_comes_back_on_the_same_port_and_leaves_nothing_behind(tmp_path: Path) -> None:
    server = LocalTriton(MODELS, ["echo"], tmp_path / "triton.log")
    with server:
        url, first_pid = server.grpc_url, server.pid
        assert len(group_members(first_pid)) == 2  # the server and the model's stub
        os.kill(first_pid, 9)
        deadline = time.monotonic() + 10
        while server.exit_code() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        assert server.exit_code() == -9
        wait_until_group_is_gone(first_pid)
        server.start()
        server.wait_ready()
        assert server.grpc_url == url
        assert sizes(url, [b"abcd"]) == [4]
    wait_until_group_is_gone(server.pid)
    assert not list(Path("/dev/shm").glob(f"{server.shared_memory_prefix}*"))


def test_the_reason_why_a_model_does_not_load_is_in_the_error(tmp_path: Path) -> None:
    shutil.copytree(MODELS / "echo", tmp_path / "models" / "echo")
    (tmp_path / "models" / "echo" / "1" / "model.py").write_text("raise ValueError('no weights here')\n")
    server = LocalTriton(tmp_path / "models", ["echo"], tmp_path / "triton.log")
    with pytest.raises(SightlineError, match=r"echo.*ValueError: no weights here"), server:
        pytest.fail("it started")
    wait_until_group_is_gone(server.pid)


def test_a_model_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SightlineError, match=r"no absent/config\.pbtxt"):
        LocalTriton(tmp_path, ["absent"], tmp_path / "triton.log").prepare()
