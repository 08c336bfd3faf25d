import sys

import pytest
from typer.testing import CliRunner

from triton_repo.cli import models
from triton_repo.training.__main__ import main


@pytest.mark.parametrize("model", ["detector", "appearance"])
def test_training_without_pytorch_names_the_extra(
    model: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert main([model]) == 1
    assert "sightline[training]" in capsys.readouterr().err


def test_measuring_on_a_seed_that_was_trained_on_is_refused() -> None:
    result = CliRunner().invoke(models, ["eval", "--seed", "99999"])
    assert result.exit_code == 1
    assert "Seed 99999 may have been trained on" in str(result.exception)
