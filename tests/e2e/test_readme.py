"""The commands of the README and the docs do what they say, in the order in which they stand there."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.system import command, environment, make_video, run_well

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
ANALYSTS = (ROOT / "docs" / "analysts.md").read_text(encoding="utf-8")

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(text: str, language: str) -> list[str]:
    return [body for name, body in BLOCK.findall(text) if name == language]


def own_video_commands() -> list[list[str]]:
    """The commands of the chapter on one's own video, as words."""
    chapter = README.split("## Your own video")[1]
    lines = "".join(blocks(chapter, "sh")).replace("\\\n", " ").splitlines()
    return [shlex.split(line, comments=True) for line in lines if line.startswith("sightline ")]


def test_the_make_targets_of_the_readme_exist():
    targets = set(re.findall(r"^make (\w+)", "".join(blocks(README, "sh")), re.MULTILINE))
    assert {"demo", "test"} <= targets
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_links_of_the_documents_lead_somewhere():
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"), ROOT / "schemas" / "README.md"):
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
            assert "://" in target or (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the README's commands have been run on a video and a model of the same names."""
    folder = tmp_path_factory.mktemp("readme")
    commands = own_video_commands()
    assert commands[0][1] == "run"
    make_video(folder / commands[0][2], frames=60)
    build = [sys.executable, "-m", "triton_repo.demo_detector", str(folder)]
    subprocess.run(build, check=True, capture_output=True)
    (folder / "model.onnx").rename(folder / commands[0][commands[0].index("--model") + 1])
    (folder / "model.json").unlink()
    for words in commands:
        done = subprocess.run(
            command(*words[1:]), cwd=folder, env=environment(), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{shlex.join(words)}\n{done.stdout}{done.stderr}"
        assert done.stdout.strip(), words
    return folder


def test_the_readmes_commands_on_ones_own_video_work(kept):
    assert len(own_video_commands()) >= 3


def test_the_questions_of_the_analysts_page_are_answered(kept):
    questions = blocks(ANALYSTS, "sql")
    assert len(questions) >= 4
    data = next(words[words.index("--data") + 1] for words in own_video_commands() if "--data" in words)
    for sql in questions:
        assert run_well("query", sql, "--data", kept / data, "--format", "csv").count("\n") >= 1


def test_the_contract_of_the_analysts_page_is_what_the_tables_have(kept):
    data = next(words[words.index("--data") + 1] for words in own_video_commands() if "--data" in words)
    listed = re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|$", ANALYSTS, re.MULTILINE)
    assert [name for name, _ in listed][:3] == ["tracks", "frames", "detections"]
    for table, text in listed:
        there = run_well("query", f"DESCRIBE TABLE {table}", "--data", kept / data, "--format", "csv")
        columns = {line.split(",")[0].strip('"') for line in there.splitlines()[1:]}
        assert set(re.findall(r"`(\w+)`", text)) <= columns, table
