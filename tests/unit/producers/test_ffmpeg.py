"""Opening files and cameras side by side."""

import socket
import threading
import time
from pathlib import Path

from producers.ffmpeg import open_capture, open_file
from tests.unit.producers.small_videos import write_video


def test_a_camera_that_does_not_answer_holds_up_no_other(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.avi", "MJPG")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        waiting = threading.Thread(target=open_capture, args=(address,), daemon=True)
        waiting.start()
        connection, _ = silent.accept()
        begun_s = time.monotonic()
        assert open_file(str(path)).isOpened()
        assert time.monotonic() - begun_s < 3
        assert waiting.is_alive()
        connection.close()
    waiting.join(10)
    assert not waiting.is_alive()
