"""The house rules: imports, start-up, and documents that are held to the code."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from bedrock_claude_cli import main as door
from bedrock_claude_cli.errors import ExitCode
from bedrock_claude_cli.options import Door
from tests.conftest import Run

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "bedrock_claude_cli"
NAME = "bedrock_claude_cli"

EVERYTHING = {"*"}
# A room's module or folder -> the rooms of this package that it may import.
MAY_IMPORT = {
    "__init__": set[str](),
    "__main__": {"main"},
    "errors": set(),
    "clock": set(),
    "explain": {"clock", "errors", "known_errors", "refusal"},
    "refusal": set(),
    "known_errors": {"errors"},
    "diagnosis": {"diagnosis", "errors", "explain", "known_errors"},
    "yaml_file": {"errors"},
    "template": {"errors"},
    "config": {"errors", "config_file", "template", "bedrock.prompt"},
    "config_example": {"config", "bedrock.prompt"},
    "config_file": {
        "config", "errors", "template", "yaml_file", "bedrock.catalog", "bedrock.prompt",
    },
    "aws": {"", "config", "errors"},
    "sdk_clients": {"aws", "errors"},
    "terminal": {"errors", "terminal"},
    "output": {"errors", "terminal"},
    "question": {"errors", "bedrock.media", "bedrock.prompt"},
    "extract": set(),
    "confirm": {"errors", "output"},
    "logging_view": {"output", "bedrock"},
    "access_form": {"errors", "output", "yaml_file", "bedrock"},
    "opening": {
        "access_form", "access_view", "confirm", "context", "errors", "explain", "bedrock",
    },
    "access_view": {"errors", "logging_view", "output", "terminal", "bedrock"},
    "log_view": {"errors", "explain", "output", "terminal", "bedrock", "usage_report"},
    "usage_report": {"output", "terminal", "bedrock"},
    "reply": {"errors", "output", "terminal", "extract", "bedrock.answer"},
    "complete": {
        "config", "yaml_file", "errors", "bedrock.catalog", "bedrock.job_manifest",
        "bedrock.prompt",
    },
    "shells": {"complete", "config", "errors"},
    "options": {"complete"},
    "hints": {"known_errors", "bedrock"},
    "context": {
        "hints", "config", "aws", "sdk_clients", "output", "options", "errors", "yaml_file",
        "sandbox",
    },
    "calling": {"aws", "sdk_clients", "context", "bedrock"},
    "listing": {"calling", "context", "errors", "explain", "bedrock"},
    "model_view": {"output", "terminal", "bedrock"},
    "compose": {"context", "question", "template", "errors", "bedrock"},
    "chat": {"config", "errors", "bedrock"},
    "asking": {"calling", "chat", "compose", "context", "errors", "forecast", "reply", "bedrock"},
    "forecast": {"calling", "context", "errors", "explain", "bedrock"},
    "compose_record": {
        "calling", "compose", "context", "errors", "question", "template", "bedrock",
    },
    "run_plan": {"aws", "calling", "compose_record", "context", "errors", "forecast", "bedrock"},
    "run_forecast": {"compose_record", "context", "errors", "bedrock"},
    "run_view": {"output", "bedrock"},
    "running": {
        "compose_record", "context", "errors", "run_forecast", "run_plan", "run_view", "bedrock",
    },
    "batch_lines": {"compose_record", "errors", "bedrock"},
    "batching": {"batch_lines", "compose_record", "context", "errors", "bedrock"},
    "batch_plan": {"batching", "context", "errors", "bedrock"},
    "batch_submit": {
        "calling", "batch_lines", "batch_plan", "context", "errors", "explain", "bedrock",
    },
    "job_view": {"batch_plan", "logging_view", "output", "bedrock"},
    "commands": {
        "hints",
        "listing", "model_view",
        "batching", "batch_plan", "batch_submit", "job_view", "compose_record", "forecast",
        "asking", "running", "run_plan", "calling", "compose", "context", "options", "complete",
        "output",
        "terminal", "question", "reply", "extract", "confirm", "logging_view", "log_view",
        "usage_report", "access_form", "access_view", "opening", "errors", "explain", "config",
        "config_example", "config_file",
        "bedrock", "sandbox", "diagnosis",
    },
    "bedrock": {"clock", "errors", "explain", "bedrock"},
    "sandbox": {"sandbox"},
    "main": EVERYTHING,
}  # fmt: skip
ONLY = {
    "commands/config.py": {"config"},
    "commands/sandbox.py": {"sandbox"},
}
# A group of commands may stand in several files.
GROUPS = {
    "commands/logs.py": {"commands.logs_read"},
    "commands/jobs.py": {"commands.jobs_fetch", "commands.jobs_submit"},
}
NEVER = {
    "bedrock": {"typer", "rich", "yaml"},
    "config": {"typer", "rich", "boto3", "botocore"},
    "config_file": {"typer", "rich", "boto3", "botocore"},
    "yaml_file": {"typer", "rich", "boto3", "botocore"},
    "aws": {"typer", "rich"},
    "sdk_clients": {"typer", "rich"},
    "explain": {"botocore", "boto3", "anthropic", "httpx2", "typer"},
    "diagnosis": {"botocore", "boto3", "anthropic", "httpx2", "typer", "rich"},
    "errors": {"botocore", "boto3", "anthropic", "httpx2", "typer"},
    "commands": {"boto3", "botocore", "anthropic"},
    "sandbox": {"typer", "rich", "yaml", "boto3", "botocore", "anthropic"},
}
SOURCES = sorted(PACKAGE.rglob("*.py"))


def _room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Every imported module's full name, and whether it stands at module level."""
    tree = ast.parse(path.read_text("utf-8"))
    top = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, id(node) in top
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            module = node.module or ""
            for alias in node.names:
                inner = PACKAGE / Path(*f"{module}.{alias.name}".split(".")[1:])
                is_module = inner.with_suffix(".py").exists() or inner.is_dir()
                ours = module.split(".")[0] == NAME
                yield (f"{module}.{alias.name}" if ours and is_module else module), id(node) in top


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_imports_only_what_the_plan_allows(path: Path) -> None:
    room = _room(path)
    allowed = MAY_IMPORT[room] | GROUPS.get(str(path.relative_to(PACKAGE)), set())
    for name, _ in _imports(path):
        if name.split(".")[0] == NAME and allowed != EVERYTHING:
            target = name.removeprefix(NAME).lstrip(".")
            first = target.split(".")[0]
            assert target in allowed or first in allowed, f"{path.name} imports {name}"
        assert name.split(".")[0] not in NEVER.get(room, set()), f"{path.name} imports {name}"


def test_only_its_own_command_touches_the_config_loader_or_the_sandbox() -> None:
    for path in (PACKAGE / "commands").glob("*.py"):
        special = ONLY.get(f"commands/{path.name}", set())
        for name, _ in _imports(path):
            for room in ("config", "sandbox"):
                if name.startswith(f"{NAME}.{room}"):
                    assert room in special, f"{path.name} imports {name}"
            own = {f"{NAME}.{each}" for each in GROUPS.get(f"commands/{path.name}", set())}
            other = name.startswith(f"{NAME}.commands.") and name not in own
            assert not other, f"{path.name} imports {name}"


def test_the_import_table_of_the_architecture_is_this_one() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    rows = re.findall(r"^\| (\w+) \| ([^|]+) \|", text.split("## Who may import whom")[1], re.M)
    told = {room: set(row.strip().split(", ")) - {"-"} for room, row in rows if room != "room"}
    ours = {room: allowed - {""} for room, allowed in MAY_IMPORT.items()}
    for door_room in ("__init__", "__main__", "main"):
        del ours[door_room]
    assert told == ours


def test_nothing_heavy_stands_at_module_level() -> None:
    heavy = {"anthropic", "boto3", "botocore", "rich", "yaml", "jmespath", "moto", "pypdf"}
    for path in SOURCES:
        for name, top in _imports(path):
            assert not (top and name.split(".")[0] in heavy), f"{path}: {name}"


def test_only_the_entry_point_leaves_the_process() -> None:
    for path in SOURCES:
        if path.name != "__main__.py":
            assert not re.search(r"\bsys\.exit\(|\bos\._exit\(", path.read_text("utf-8")), path


def test_no_file_outgrows_its_room() -> None:
    long = {path.name: len(path.read_text("utf-8").splitlines()) for path in SOURCES}
    assert not {name: lines for name, lines in long.items() if lines > 400}


@pytest.mark.parametrize(
    "argv", [["--version"], ["--help"], ["ask", "--help"], ["list-models", "--help"]], ids=" ".join
)
def test_start_up_loads_nothing_heavy(argv: list[str]) -> None:
    heavy = ["anthropic", "boto3", "botocore", "rich", "yaml", "jmespath", "http.client", "ssl"]
    script = (
        "import sys; from bedrock_claude_cli.main import main; code = main(sys.argv[1:]); "
        f"print([name for name in {heavy} if name in sys.modules], file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *argv], capture_output=True, text=True, check=True
    )
    assert done.stderr.strip() == "[]"
    assert "bedrock-claude" in done.stdout


def test_a_command_builds_no_other(run: Run) -> None:
    """Only the module of the named command is imported."""
    script = (
        "import sys; from bedrock_claude_cli.main import main; main(['config', 'path']); "
        "print([n for n in sys.modules if n.startswith('bedrock_claude_cli.commands.')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "['bedrock_claude_cli.commands.config']"


def test_there_are_twelve_commands_at_most() -> None:
    planned = "verify-creds list-models ask run jobs enable-logging logs usage access why config"
    assert set(door.COMMANDS) <= {*planned.split(), "sandbox"}


@pytest.mark.parametrize("name", door.COMMANDS)
def test_every_command_has_help(run: Run, name: str) -> None:
    shown = run(name, "--help").out
    assert f"bedrock-claude {name}" in shown
    module = door.COMMANDS[name][0]
    source = (PACKAGE / "commands" / f"{module}.py").read_text("utf-8")
    if "app = typer.Typer(" not in source:
        assert "--profile" in shown


def _exit_table(path: Path) -> dict[int, str]:
    rows = re.findall(r"^\| (\d+) \| ([a-z ]+?) \|", path.read_text("utf-8"), re.M)
    return {int(code): name.replace(" ", "_").upper() for code, name in rows}


def _texts(path: Path) -> Iterator[str]:
    """Every text of a module, those with values in them with an X for each."""
    tree, inside = ast.parse(path.read_text("utf-8")), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            inside |= {id(each) for each in node.values}
            yield "".join(
                str(each.value) if isinstance(each, ast.Constant) else "X" for each in node.values
            )
        elif isinstance(node, ast.Constant) and id(node) not in inside:
            yield str(node.value)


PRINTED = [
    (path.name, command)
    for path in SOURCES
    for text in _texts(path)
    for command in re.findall(r"`((?:aws|pipx?|bedrock-claude) [^`]+)`", text)
]


def test_printed_commands_were_found() -> None:
    assert len(PRINTED) > 40


@pytest.mark.parametrize("module, command", PRINTED)
def test_a_printed_command_works_as_it_is_typed(module: str, command: str) -> None:
    """zsh ends with `no matches found` where a bare [ or * fits no file."""
    filled = re.sub(r"\{(region|model)\}", "X", command)
    assert shlex.split(filled)
    bare = re.sub(r"'[^']*'|\"[^\"$!]*\"", "", filled)
    assert not set("*?[]{}()<>;&|$!~#") & set(bare), f"{module}: {command}"


@pytest.mark.parametrize("document", ["docs/exit-codes.md", "README.md"])
def test_exit_codes_are_documented_as_they_are(document: str) -> None:
    assert _exit_table(ROOT / document) == {int(code): code.name for code in ExitCode}


def _command_lines() -> Iterator[tuple[str, tuple[str, ...]]]:
    for document in ("README.md", "docs/recipes.md", "docs/exit-codes.md", "docs/json.md"):
        text = (ROOT / document).read_text("utf-8")
        for block in re.findall(r"```(?:bash|console|yaml)\n(.*?)```", text, re.S):
            for line in block.replace("\\\n", " ").splitlines():
                output = "note: " in block and not line.startswith("$ ")
                if "bedrock-claude " not in line or output:
                    continue
                words = shlex.shlex(
                    line.replace("answer=$", ""), posix=True, punctuation_chars=True
                )
                words.whitespace_split = True
                tokens = list(words)
                while "bedrock-claude" in tokens:
                    tokens = tokens[tokens.index("bedrock-claude") + 1 :]
                    ends = (at for at, token in enumerate(tokens) if set(token) <= set("();<>|&"))
                    yield document, tuple(tokens[: next(ends, len(tokens))])


@pytest.mark.parametrize("document, argv", list(_command_lines()), ids=lambda item: str(item))
def test_documented_command_lines_parse(document: str, argv: tuple[str, ...]) -> None:
    """Every command line in the documents names options and commands that there are."""
    command = typer.main.get_command(door.app)
    with command.make_context("bedrock-claude", list(argv), obj=Door()) as context:
        rest = [*context._protected_args, *context.args]
        while rest and hasattr(context.command, "resolve_command"):
            name, inner, rest = context.command.resolve_command(context, rest)
            context = inner.make_context(name, rest, parent=context)
            rest = [*context._protected_args, *context.args]


def _sessions() -> list[tuple[str, str]]:
    text = (ROOT / "README.md").read_text("utf-8")
    blocks = re.findall(r"```console\n\$ (bedrock-claude .*)\n((?:.*\n)*?)```", text)
    return [(line, output) for line, output in blocks if "--sandbox" in line]


@pytest.mark.parametrize("line, output", _sessions(), ids=lambda item: item[:40])
def test_the_readme_shows_what_a_user_sees(run: Run, line: str, output: str) -> None:
    env = {"COLUMNS": "120", "NO_COLOR": "1"}
    result = run(*shlex.split(line)[1:], terminal=True, env=env)
    seen = "".join(f"{each.rstrip()}\n" for each in (result.err + result.out).splitlines())
    assert re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:41439", seen) == output


def test_the_readme_has_five_such_sessions() -> None:
    assert len(_sessions()) == 5
