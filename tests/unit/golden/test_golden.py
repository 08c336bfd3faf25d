from pathlib import Path

import pytest

from tests.unit.golden.make import make
from tests.unit.golden.samples import DEAD_LETTERS, MESSAGES, letter_from_record_bytes, record_bytes
from tests.unit.schemas.comparing import differences

FOLDER = Path(__file__).parent


@pytest.mark.parametrize("name", MESSAGES)
def test_released_bytes_decode_to_the_exact_values(name: str) -> None:
    message = MESSAGES[name]
    decoded = type(message).from_bytes((FOLDER / f"{name}.bin").read_bytes())
    assert differences(decoded, message) == []


@pytest.mark.parametrize("name", MESSAGES)
def test_the_same_values_give_the_released_bytes(name: str) -> None:
    assert MESSAGES[name].to_bytes() == (FOLDER / f"{name}.bin").read_bytes()


@pytest.mark.parametrize("name", DEAD_LETTERS)
def test_a_released_dead_letter_is_read_and_written_the_same(name: str) -> None:
    data = (FOLDER / f"{name}.bin").read_bytes()
    assert letter_from_record_bytes(data) == DEAD_LETTERS[name]
    assert record_bytes(DEAD_LETTERS[name]) == data


def test_every_file_is_checked_and_every_sample_has_a_file() -> None:
    assert {path.stem for path in FOLDER.glob("*.bin")} == {*MESSAGES, *DEAD_LETTERS}


def test_the_script_adds_what_is_missing_and_never_changes_a_file(tmp_path: Path) -> None:
    kept = tmp_path / "frames.v1.bin"
    kept.write_bytes(b"released")
    made = make(tmp_path)
    assert kept.read_bytes() == b"released"
    assert len(made) == len(MESSAGES) + len(DEAD_LETTERS) - 1
    assert make(tmp_path) == []
