"""TAB in the real shells, and what stands behind it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pexpect
import pytest
import shellingham  # type: ignore[import-untyped]

from bedrock_claude_cli.main import COMMANDS
from tests.conftest import Run

ROOT = Path(__file__).parents[1]
SHELLS = ("bash", "zsh", "fish")
START = {"bash": "bash --noprofile -i", "zsh": "zsh -i", "fish": "fish -i"}
# Each binds a key to print the line being edited.
SHOW_LINE = {
    "bash": r"""bind -x '"\C-xd": printf "<<%s>>\n" "$READLINE_LINE"'; """
    "bind 'set show-all-if-ambiguous on'; bind 'set enable-bracketed-paste off'; "
    "bind 'set completion-query-items 0'; bind 'set page-completions off'",
    "zsh": r"""shown() { print -r -- "<<$BUFFER>>" }; zle -N shown; bindkey '^Xd' shown; """
    "bindkey -e; bindkey '^Xd' shown; LISTMAX=1000",
    "fish": r"""bind \cxd 'printf "<<%s>>\n" (commandline)'""",
}
SONNET = "global.anthropic.claude-sonnet-4-5-20250929-v1:0"


class Shell:
    """A real shell in a terminal, in a home of its own."""

    def __init__(self, name: str, home: Path) -> None:
        if shutil.which(name) is None:
            pytest.skip(f"{name} is not installed")
        self.name = name
        self.home = home
        env = {"HOME": str(home), "PATH": f"{home}/bin:{os.environ['PATH']}"}
        env |= {"TERM": "xterm", "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT)}
        self.child: Any = pexpect.spawn(
            START[name], env=env, cwd=str(home), encoding="utf-8", dimensions=(100, 240), timeout=15
        )
        self.child.delaybeforesend = None
        self.do(SHOW_LINE[name])

    def do(self, command: str) -> str:
        """Run one command; returns what the terminal showed."""
        self.child.send(f"{command}; echo read''y\r")
        self.child.expect("ready\r?\n")
        return _plain(self.child.before)

    def tab(self, line: str) -> tuple[str, str]:
        """Type a line and TAB: the line it becomes, and what the terminal showed meanwhile."""
        self.child.send(f"{line}\t\x18d")
        self.child.expect("<<(.*?)>>")
        became, shown = self.child.match[1], _plain(self.child.before)
        self.child.send("\x05\x15")
        return became, shown

    def close(self) -> None:
        self.child.close(force=True)


def _plain(text: str) -> str:
    return re.sub(r"\x1b(\[[0-9;?]*[A-Za-z]|\][^\a]*\a|\(B|.)", "", text)


def _home(folder: Path) -> Path:
    """A home with the program under both names, and files that TAB can find."""
    (folder / "bin").mkdir()
    for name, code in (
        ("bedrock-claude", f'exec {sys.executable} -m bedrock_claude_cli "$@"'),
        ("bedrock-claude-cli", f'exec {sys.executable} -m bedrock_claude_cli "$@"'),
        ("zzz-tool", "exit 0"),
    ):
        (folder / "bin" / name).write_text(f"#!/bin/sh\n{code}\n")
        (folder / "bin" / name).chmod(0o755)
    config = folder / ".config" / "bedrock-claude" / "config.yaml"
    config.parent.mkdir(parents=True)
    config.write_text("presets:\n  review:\n    model: opus\n")
    (folder / "other.yaml").write_text("presets:\n  translate:\n    model: haiku\n")
    (folder / "broken.yaml").write_text("presets: [\n")
    (folder / "what.txt").write_text("a question")
    (folder / ".aws").mkdir()
    (folder / ".aws" / "config").write_text(
        "[default]\n[profile dev team]\n[sso-session corp]\n[services local]\n[ignored]\n"
    )
    (folder / ".aws" / "credentials").write_text("[production]\n")
    return folder


@pytest.fixture(scope="module", params=SHELLS)
def shell(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A shell that has sourced the script in completions/."""
    started = Shell(request.param, _home(tmp_path_factory.mktemp(request.param)))
    started.do(f"source {ROOT}/completions/bedrock-claude.{request.param}")
    yield started
    started.close()


@pytest.mark.parametrize(
    ("typed", "end"),
    [
        ("bedrock-claude ver", "ify-creds "),
        ("bedrock-claude-cli lis", "t-models "),
        ("bin/bedrock-claude ver", "ify-creds "),
        ("~/bin/bedrock-claude ver", "ify-creds "),
        ("FOO=1 bedrock-claude ask --temp", "erature "),
        ("echo x | bedrock-claude ask --temp", "erature "),
        ("bedrock-claude --region us-gov-w", "est-1 "),
        ("bedrock-claude --region=us-gov-w", "est-1 "),
        ("bedrock-claude --quiet --region us-east-1 ask --temp", "erature "),
        ("bedrock-claude ask -m sonnet-4.5", " "),
        ("bedrock-claude ask -nmsonnet-4.5", " "),
        (f"bedrock-claude ask -m {SONNET[:40]}", SONNET[40:] + " "),
        (f"bedrock-claude ask -m {SONNET[:-1]}", "0 "),
        (f"bedrock-claude ask --model={SONNET[:40]}", SONNET[40:] + " "),
        (f"bedrock-claude ask --model={SONNET[:-1]}", "0 "),
        (f'bedrock-claude ask -m "{SONNET[:40]}', SONNET[40:] + '" '),
        (f"bedrock-claude ask -m '{SONNET[:-1]}", "0' "),
        ("bedrock-claude ask --endpoint in-", "region "),
        ("bedrock-claude ask --preset re", "view "),
        ("bedrock-claude ask --preset=re", "view "),
        ("bedrock-claude --config other.yaml ask --preset t", "ranslate "),
        ("bedrock-claude ask -t oth", "er.yaml "),
        ("bedrock-claude ask --preset=oth", "er.yaml "),
        ("bedrock-claude ask -a wha", "t.txt "),
        ("bedrock-claude ask --config=~/other.yaml --preset t", "ranslate "),
        ("bedrock-claude ask --profile prod", "uction "),
        ("bedrock-claude ask --profile dev", "\\ team "),
        ("bedrock-claude ask 'it is' --temp", "erature "),
        ("bedrock-claude ask 日本語 --temp", "erature "),
        ("bedrock-claude ask --config oth", "er.yaml "),
        ("bedrock-claude ask --config=oth", "er.yaml "),
        ("bedrock-claude ask --config bi", "n/"),
        ("bedrock-claude ask < wha", "t.txt "),
        ("bedrock-claude sandbox ser", "ve "),
        ("bedrock-claude sandbox run zzz-t", "ool "),
        ("bedrock-claude sandbox run -- zzz-t", "ool "),
        ("bedrock-claude sandbox run -- zzz-tool wha", "t.txt "),
        ("bedrock-claude sandbox serve --tls what.txt wha", "t.txt "),
    ],
)
def test_the_only_candidate_is_filled_in(shell: Shell, typed: str, end: str) -> None:
    assert shell.tab(typed)[0] == typed + end


@pytest.mark.parametrize(
    "typed",
    [
        "bedrock-claude ask wha",
        "bedrock-claude ask ",
        'bedrock-claude ask "an unfinished ',
        "bedrock-claude ask -- --temp",
        "bedrock-claude ask --temperature 1 --temp",
        "bedrock-claude ask --temperature ",
        "bedrock-claude ask --system wha",
        "bedrock-claude ask --quiet=",
        "bedrock-claude nonsense --",
        "bedrock-claude sandbox serve --strict-auth key wha",
        "bedrock-claude ask --config broken.yaml --preset r",
        "bedrock-claude ask --config nowhere.yaml --preset r",
    ],
)
def test_where_nothing_fits_the_prompt_stays_as_it_is(shell: Shell, typed: str) -> None:
    became, shown = shell.tab(typed)
    assert became == typed
    assert "error" not in shown.lower()
    assert "Traceback" not in shown


def test_the_word_at_the_cursor_is_completed(shell: Shell) -> None:
    """Not the last one of the line; Ctrl-B moves the cursor back."""
    became, _ = shell.tab("bedrock-claude ask --temp 0.5" + "\x02" * 4)
    assert became.split() == ["bedrock-claude", "ask", "--temperature", "0.5"]


def test_commands_are_listed_with_their_help(shell: Shell) -> None:
    _, shown = shell.tab("bedrock-claude ")
    for name, (_, text) in COMMANDS.items():
        assert name in shown
        assert shell.name == "bash" or text in shown


def test_ids_with_colons_are_listed_with_their_models(shell: Shell) -> None:
    _, shown = shell.tab("bedrock-claude ask -m us.anthropic.claude-3-5-")
    assert "sonnet-20241022-v2:0" in shown
    if shell.name != "bash":
        assert "Claude Sonnet 3.5 v2, us" in shown


@pytest.mark.parametrize("name", SHELLS)
def test_install_completion_teaches_new_shells(name: str, tmp_path: Path) -> None:
    """Twice is as good as once, and what the start-up file held stays."""
    home = _home(tmp_path)
    startup = home / (".bashrc" if name == "bash" else ".zshrc")
    startup.write_bytes(b"KEPT=caf\xe9")
    old = Shell(name, home)
    for _ in range(2):
        shown = old.do("bedrock-claude --install-completion")
        assert f"completion for {name} written to" in shown
    assert old.do("bedrock-claude --show-completion").count("complete_" + name) == 1
    old.close()
    if name != "fish":
        assert startup.read_bytes().startswith(b"KEPT=caf\xe9\nsource ")
        assert startup.read_bytes().count(b"\n") == 2
    new = Shell(name, home)
    for program in ("bedrock-claude", "bedrock-claude-cli"):
        assert new.tab(f"{program} ver")[0] == f"{program} verify-creds "
    new.close()


@pytest.mark.parametrize("flag", ["--install-completion", "--show-completion"])
@pytest.mark.parametrize("shell_name", ["tcsh", None])
def test_an_unknown_shell_is_a_usage_error(
    run: Run, monkeypatch: pytest.MonkeyPatch, home: Path, flag: str, shell_name: str | None
) -> None:
    def detect() -> tuple[str, str]:
        if shell_name is None:
            raise shellingham.ShellDetectionFailure
        return shell_name, shell_name

    monkeypatch.setattr(shellingham, "detect_shell", detect)
    result = run(flag, code=2)
    assert not result.out
    assert "hint: " in result.err
    assert not list(home.iterdir())


@pytest.mark.parametrize(
    ("shell_name", "written"),
    [
        ("zsh", ["data/bedrock-claude/completion.zsh", "zsh/.zshrc"]),
        ("bash", [".bashrc", "data/bedrock-claude/completion.bash"]),
        ("fish", [f"config/fish/completions/bedrock-claude{end}.fish" for end in ("", "-cli")]),
    ],
)
def test_install_completion_follows_the_folders_in_the_environment(
    run: Run, monkeypatch: pytest.MonkeyPatch, home: Path, shell_name: str, written: list[str]
) -> None:
    monkeypatch.setattr(shellingham, "detect_shell", lambda: (shell_name, shell_name))
    (home / "zsh").mkdir()
    places = {"XDG_DATA_HOME": "data", "XDG_CONFIG_HOME": "config", "ZDOTDIR": "zsh"}
    run("--install-completion", env={name: f"{home}/{place}" for name, place in places.items()})
    found = [str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()]
    assert sorted(found) == sorted(written)


def test_zsh_loads_the_script_as_a_completion_function(tmp_path: Path) -> None:
    """Where packagers put it: `_bedrock-claude` in a folder of $fpath."""
    home = _home(tmp_path)
    (home / "functions").mkdir()
    shutil.copy(ROOT / "completions" / "bedrock-claude.zsh", home / "functions/_bedrock-claude")
    (home / ".zshrc").write_text("fpath+=~/functions; autoload -Uz compinit; compinit -u\n")
    shell = Shell("zsh", home)
    for _ in range(2):
        assert shell.tab("bedrock-claude-cli ver")[0] == "bedrock-claude-cli verify-creds "
    shell.close()


@pytest.mark.parametrize("shell_name", SHELLS)
def test_the_shipped_script_is_what_the_program_prints(run: Run, shell_name: str) -> None:
    printed = run(env={"_BEDROCK_CLAUDE_COMPLETE": f"source_{shell_name}"}).out
    assert printed == (ROOT / "completions" / f"bedrock-claude.{shell_name}").read_text("utf-8")


@pytest.mark.parametrize("instruction", ["complete_tcsh", "source_tcsh", "complete", "bash_source"])
def test_other_shells_are_refused(run: Run, instruction: str) -> None:
    assert not run(env={"_BEDROCK_CLAUDE_COMPLETE": instruction}, code=2).out


def offered(run: Run, *words: str) -> tuple[str, dict[str, str]]:
    """The kind of answer, and the candidates with their descriptions."""
    kind, *lines = run(*words, env={"_BEDROCK_CLAUDE_COMPLETE": "complete_fish"}).out.splitlines()
    return kind, {value: text for value, _, text in (line.partition("\t") for line in lines)}


@pytest.fixture
def flags() -> Iterator[set[str]]:
    """The options of `ask`, read from its own help."""
    code = "from bedrock_claude_cli.main import main; main(['ask', '--help'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    yield set(re.findall(r"(?<=[\s,])--[a-z][a-z0-9-]+", done.stdout.split("Options:")[1]))


def test_every_flag_is_offered_with_its_help(run: Run, flags: set[str]) -> None:
    _, found = offered(run, "ask", "--")
    assert set(found) >= flags
    assert all(found.values())


def test_flags_given_already_are_offered_only_if_they_may_repeat(run: Run) -> None:
    _, found = offered(run, "ask", "-m", "opus", "--stop", "x", "-qn", "--")
    assert not {"--model", "--quiet", "--no-stdin"} & set(found)
    assert {"--stop", "--usage"} <= set(found)


def test_flags_come_without_a_dash_where_no_argument_can(run: Run) -> None:
    assert "--min-ttl" in offered(run, "verify-creds", "")[1]
    assert offered(run, "ask", "")[1] == {}
    assert "--usage" in offered(run, "ask", "a question", "")[1]


def test_a_model_is_offered_where_a_command_takes_one(run: Run) -> None:
    _, found = offered(run, "list-models", "")
    assert {"sonnet", "opus-5.5"} <= set(found)
    assert "--policy" in offered(run, "list-models", "opus", "--")[1]
    assert "us.anthropic.claude-opus-5-5" in offered(run, "list-models", "us.")[1]


def test_aliases_come_first_and_ids_once_a_letter_is_typed(run: Run) -> None:
    _, found = offered(run, "ask", "-m", "")
    assert {"sonnet", "opus", "haiku", "sonnet-4.5"} <= set(found)
    assert not [name for name in found if "anthropic" in name]
    assert SONNET in offered(run, "ask", "-m", "g")[1]


def test_extract_takes_an_attached_language_only(run: Run) -> None:
    """After `-x` comes the question, so nothing is offered; and flags still are."""
    assert offered(run, "ask", "-x", "--us")[1].keys() == {"--usage"}
    assert offered(run, "ask", "-xpython", "--us")[1].keys() == {"--usage"}


def test_profiles_are_those_that_aws_would_find(run: Run, home: Path) -> None:
    _home(home)
    _, found = offered(run, "--profile", "")
    assert set(found) == {"default", "dev team", "production"}


@pytest.mark.parametrize(
    "content",
    [b"", b"- 1\n", b"presets: 3\n", b"presets: x\n", b"presets: [\n", b"\xff\xfe", b"a: !!x y\n"],
)
def test_a_config_file_without_presets_offers_none(run: Run, home: Path, content: bytes) -> None:
    (home / "config.yaml").write_bytes(content)
    words = ("--config", str(home / "config.yaml"), "--preset", "")
    assert offered(run, *words) == ("files", {})  # a file may be a preset


def test_names_that_could_drive_the_terminal_are_not_offered(run: Run, home: Path) -> None:
    (home / "config.yaml").write_text('presets: {good: {}, "ba\\e[31md": {}, "two\\nlines": {}}\n')
    words = ("--config", str(home / "config.yaml"), "--preset", "")
    assert set(offered(run, *words)[1]) == {"good"}


HEAVY = ("anthropic", "boto3", "botocore", "rich", "yaml", "jmespath", "http.client", "ssl")
WATCH = """
import sys
sys.addaudithook(lambda name, args: sys.exit(name) if name.startswith("socket.") else None)
from bedrock_claude_cli.main import main
code = main(sys.argv[1:])
print([name for name in {heavy} if name in sys.modules], file=sys.stderr)
sys.exit(code)
"""


def _loaded(*words: str, kind: str = "complete_zsh") -> tuple[str, str]:
    done = subprocess.run(
        [sys.executable, "-c", WATCH.format(heavy=HEAVY), *words],
        env={**os.environ, "_BEDROCK_CLAUDE_COMPLETE": kind},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout, done.stderr.strip()


@pytest.mark.parametrize(
    "line",
    ["", "a", "ask --", "ask -m son", "ask --endpoint ", "ask --preset ", "--region ", "config "],
)
@pytest.mark.parametrize("name", SHELLS)
def test_tab_loads_nothing_heavy_and_opens_no_socket(name: str, line: str) -> None:
    words = [f"bedrock-claude {line}", ""] if name == "bash" else line.split(" ")
    shown, loaded = _loaded(*words, kind=f"complete_{name}")
    assert shown.startswith("files\n" if "--preset" in line else "values\n")
    assert loaded == "[]"


def test_presets_load_yaml_alone(home: Path) -> None:
    _home(home)
    assert _loaded("--preset", "") == ("values\nreview:preset\n", "['yaml']")


def test_tab_imports_no_other_command(home: Path) -> None:
    code = (
        "import sys; from bedrock_claude_cli.main import main; main(sys.argv[1:]); "
        "print(*[name for name in sys.modules if 'cli.commands.' in name])"
    )
    for words, imported in ((["a"], ""), (["config", ""], "bedrock_claude_cli.commands.config")):
        done = subprocess.run(
            [sys.executable, "-c", code, *words],
            env={**os.environ, "_BEDROCK_CLAUDE_COMPLETE": "complete_zsh"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.splitlines()[-1] == imported
