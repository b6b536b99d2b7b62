"""docs/recipes.md: every block for a shell is run, on the sandbox, in a folder with its files."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bedrock_claude_cli import batch_submit
from bedrock_claude_cli.sandbox import Sandbox
from tests.bedrock.media_samples import pdf, png
from tests.commands.jobs_world import lines, make_bucket, records
from tests.conftest import Run

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs/recipes.md").read_text("utf-8")
BLOCKS = re.findall(r"^## (.+?)$(.*?)(?=^## |\Z)", TEXT, re.M | re.S)
SHELL = {name: re.findall(r"^```bash\n(.*?)^```", text, re.M | re.S) for name, text in BLOCKS}
# What a recipe prints (a pattern); UNRUN says of the others why no test runs them.
PRINTS = {
    "Review a change before it is pushed": "canned answer",
    "A commit message from what is staged": "",
    "What went wrong in a log": "canned answer",
    "What an error of another program means": r"(?s)tomorrow.*^later$",
    "A PDF, with the pages that say it": r"\[1\] report.pdf, page",
    "Fields of a document as JSON": r"^\w+$",
    "A gate in CI": "^true$",
    "The screenshot of an error": "canned answer",
    "Some files of a project": "canned answer",
    "A script, and only the script": "",
    "A conversation": "(?s)canned answer.*canned answer",
    "The same question in many places, from a file": "",
    "A column more for a spreadsheet": "",
    "What it would cost": r"(?s)^\d+\n0\.\d+\n.*canned answer",
    "Whose calls they were": "canned answer",
    "From a question to a program": "",
    "A long text, asked again and again": "(?s)canned answer.*canned answer",
    "A loop over lines": "(?s)One sentence about Ada.*One sentence about Grace",
    "Code into another program": "^olleh$",
    "One field of the JSON": r"(?s)^\d+\n.*global\.anthropic\.claude-sonnet-4-5",
    "Models for a new account": r"(?s)Sonnet 4\.5 is open.*Haiku 4\.5 is open",
    "Data that must stay in the EU": r"(?s)canned answer.*^eu\.anthropic",
}
UNRUN = {
    "Another AWS account for one command": "needs AWS profiles",
    "Your own scripts, tested without AWS": "needs your scripts",
}
# Its commands share one sandbox with a bucket, and nobody waits for its job.
JOBS = "A night's work at half the price"
FILES = {
    "summarise.py": "report.pdf",
    "largest.sh": "ls -S | head -1",
    "notes.fr.md": "canned answer",
    "gate.json": "breaks",
    "moods.csv": '"7","lamp","glad"',
    "access.tsv": "sonnet-4.5\topen",
}
RULES = """
- when: {prompt: "largest file"}
  reply: {text: "Here:\\n```bash\\nls -S | head -1\\n```\\n"}
- when: {prompt: "reverses a string"}
  reply: {text: "```python\\nprint('hello'[::-1])\\n```\\n"}
- when: {prompt: "break our public"}
  reply: {text: '{"breaks": false, "why": "nothing public changed"}'}
- when: {prompt: "One word. So bright"}
  reply: {text: glad}
- when: {prompt: "commit message"}
  reply: {text: Say what the notes say}
"""
SCHEMA = {
    "type": "object",
    "properties": {"number": {"type": "string"}},
    "required": ["number"],
    "additionalProperties": False,
}


@pytest.fixture
def folder(tmp_path: Path, home: Path) -> Path:
    """A git repository on a branch, with the files that the recipes name."""
    for program in ("bash", "git", "jq"):
        if not shutil.which(program):
            pytest.skip(f"no {program} on PATH")
    place = tmp_path / "project"
    (place / "src").mkdir(parents=True)
    (place / "src/app.py").write_text("print(1)\n")
    (place / "src/app_test.py").write_text("assert 1\n")
    (place / "names.txt").write_text("Ada\nGrace\n")
    (place / "reviews.csv").write_text("id,product,review\n7,lamp,So bright!\n8,bed,So soft!\n")
    (place / "app.log").write_text("ERROR no space left\n" * 9)
    (place / "report.pdf").write_bytes(pdf(3))
    (place / "screenshot.png").write_bytes(png(20, 10))
    (place / "invoice.schema.json").write_text(json.dumps(SCHEMA))
    for file, start in (
        ("translate.yaml", "yaml\nmodel"),
        ("mood.yaml", "yaml\nprompt"),
        ("verdict.schema.json", "json\n{"),
        ("use-case.yaml", "yaml\ncompany"),
    ):
        shown = re.search(rf"^```{start}.*?^```", TEXT, re.M | re.S)
        assert shown
        (place / file).write_text(shown[0].partition("\n")[2].removesuffix("```"))
    (tmp_path / "rules.yaml").write_text(RULES)
    (place / "notes.md").write_text("old\n")
    for command in (
        "init -q -b main", "config user.email dev@example.com", "config user.name Dev",
        "add -A", "commit -qm start", "checkout -qb change",
    ):  # fmt: skip
        subprocess.run(["git", *command.split()], cwd=place, check=True, capture_output=True)
    (place / "notes.md").write_text("new\n")
    return place


def test_every_recipe_is_run_or_says_why_not() -> None:
    assert set(SHELL) == {*PRINTS, *UNRUN, JOBS}
    assert all(SHELL.values())
    assert len(PRINTS) >= 12
    intro = " ".join(TEXT.partition("\n## ")[0].split())
    for name, why in UNRUN.items():
        assert f'"{name}" {why}' in intro


def shell(folder: Path, block: str) -> subprocess.CompletedProcess[str]:
    """One block as a reader's shell runs it: it stops at no failure inside a pipe."""
    env = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "BEDROCK_CLAUDE_SANDBOX": "1",
        "BEDROCK_CLAUDE_SANDBOX_SCRIPT": str(folder.parent / "rules.yaml"),
        "GIT_CONFIG_GLOBAL": os.devnull,
    }
    return subprocess.run(
        ["bash", "-eu", "-c", block],
        cwd=folder, env=env, capture_output=True, text=True, timeout=120, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.mark.parametrize("name", PRINTS)
def test_a_recipe_does_what_it_says(folder: Path, name: str) -> None:
    said = ""
    for block in SHELL[name]:
        done = shell(folder, block)
        assert done.returncode == 0, done.stderr
        # A shell hides what fails at the head of a pipe.
        assert "error:" not in done.stderr
        said += done.stdout
    assert re.search(PRINTS[name], said.strip(), re.M), said
    for file, content in FILES.items():
        if file in "".join(SHELL[name]):
            assert content in (folder / file).read_text("utf-8")
    if "commit message" in name:
        last = ["git", "log", "-1", "--format=%s"]
        log = subprocess.run(last, cwd=folder, capture_output=True, text=True, check=True)
        assert log.stdout == "Say what the notes say\n"


def test_the_recipe_of_jobs_does_what_it_says(
    use: Callable[..., Sandbox], run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(batch_submit, "PAUSES", (0,))
    make_bucket("my-batch")
    records(name="prompts.jsonl")
    [block] = SHELL[JOBS]
    commands = [shlex.split(line)[1:] for line in block.splitlines()]
    assert [each[1] for each in commands] == ["submit", "wait", "fetch"]
    for each in commands:
        run(*each)
    assert len(lines("answers.jsonl")) == 100


@pytest.mark.parametrize(
    ("name", "reply", "code"),
    [
        ("A gate in CI", "{text: '{\"breaks\": false}'}", 10),
        ("A gate in CI", '{text: \'{"breaks": false, "why": "x"}\', stop_reason: max_tokens}', 10),
        ("A gate in CI", '{text: \'{"breaks": true, "why": "a name went"}\'}', 1),
        ("Fields of a document as JSON", "{text: '{}'}", 10),
    ],
)
def test_what_comes_after_an_answer_sees_only_one_that_fits(
    folder: Path, name: str, reply: str, code: int
) -> None:
    (folder.parent / "rules.yaml").write_text(f"- reply: {reply}\n")
    done = shell(folder, SHELL[name][0])
    assert done.returncode == code, done.stderr
    assert done.stdout == ("false\n" if code == 1 else "")
