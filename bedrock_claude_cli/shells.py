"""How bash, zsh and fish ask what TAB offers, how they are told, and how they learn to ask."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bedrock_claude_cli.complete import Line
from bedrock_claude_cli.config import xdg_folder
from bedrock_claude_cli.errors import UsageError

VARIABLE = "_BEDROCK_CLAUDE_COMPLETE"
NAMES = ("bedrock-claude", "bedrock-claude-cli")

BASH = r"""
_bedrock_claude() {
    local kind= line
    COMPREPLY=()
    {
        read -r kind
        while IFS= read -r line; do COMPREPLY+=("$line"); done
    } < <(_BEDROCK_CLAUDE_COMPLETE=complete_bash "${1/#\~/$HOME}" \
        "${COMP_LINE:0:COMP_POINT}" "$2" 2>/dev/null)
    case ${COMP_WORDS[COMP_CWORD-1]} in [\<\>]*) kind=files ;; esac
    case $kind in
        files) compopt -o filenames 2>/dev/null
               COMPREPLY=()
               while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$2") ;;
        commands) while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -c -- "$2") ;;
        *) compopt -o nosort 2>/dev/null ;;
    esac
    return 0
}
complete -F _bedrock_claude {names}
"""

ZSH = r"""
#compdef {names}
_bedrock-claude() {
    local -a answer
    answer=("${(@f)$(_BEDROCK_CLAUDE_COMPLETE=complete_zsh ${(Q)~words[1]} \
        "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
    case $answer[1] in
        files) compset -P '--*='; _files ;;
        commands) _command_names -e ;;
        values) shift answer; (( $#answer )) && _describe -V bedrock-claude answer ;;
    esac
}
if [[ $funcstack[1] == _bedrock-claude ]]; then
    _bedrock-claude "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
    compdef _bedrock-claude {names}
fi
"""

FISH = r"""
function __bedrock_claude
    set -l words (commandline -opc)
    type -q -- $words[1]; or set words[1] bedrock-claude
    set -l current (commandline -ct)
    set -l answer (env _BEDROCK_CLAUDE_COMPLETE=complete_fish $words "$current" 2>/dev/null)
    switch "$answer[1]"
        case files
            set -l option (string match -r -- '^--[^=]*=' "$current")
            set -l path (string replace -- "$option" '' "$current")
            __fish_complete_path "$path" | string replace -r '^' -- "$option"
        case commands
            __fish_complete_command
        case values
            printf '%s\n' $answer[2..-1]
    end
end
for name in {names}
    complete -c $name -f -k -a '(__bedrock_claude)'
end
"""

SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}


def script(shell: str) -> str:
    """What teaches a shell to complete both names of the program; UsageError for other shells."""
    if shell not in SCRIPTS:
        raise UsageError(f"no completion for {shell}", hint=f"there is for {', '.join(SCRIPTS)}")
    return SCRIPTS[shell].lstrip().replace("{names}", " ".join(NAMES))


def answer(instruction: str, command: Any, argv: Sequence[str]) -> str:
    """The text for `complete_SHELL` or `source_SHELL`; UsageError for anything else.

    bash gives its line up to the cursor and the part that it will replace; the others give the
    words, the last of them unfinished.
    """
    task, _, shell = instruction.partition("_")
    if task == "source":
        return script(shell)
    if task != "complete" or shell not in SCRIPTS:
        raise UsageError(f"{VARIABLE} is complete_SHELL or source_SHELL, not `{instruction}`")
    if shell == "bash":
        words, quoted = _split(argv[0])
        *done, incomplete = words[1:]
    else:
        *done, incomplete = argv
        quoted = False
        if shell == "fish":
            incomplete = _split(incomplete)[0][-1]
    line = Line(command)
    for word in done:
        line.take(word)
    kind, items = line.offers(incomplete)
    items = [(value, text) for value, text in items if value.isprintable()]
    if shell == "bash":
        shown = [_for_bash(value, incomplete, argv[1], quoted) for value, _ in items]
    elif shell == "zsh":
        shown = [_for_zsh(value, text) for value, text in items]
    else:
        shown = [f"{value}\t{text}" if text else value for value, text in items]
    return "".join(f"{each}\n" for each in (kind, *shown))


def _split(text: str) -> tuple[list[str], bool]:
    """The words of a line, the last one unfinished, and whether a quote is still open."""
    end = "\0"  # marks the last word, which may be empty
    lexer = shlex.shlex(text + end, posix=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    words: list[str] = []
    quoted = False
    try:
        words.extend(lexer)
    except ValueError:
        words.append(lexer.token)
        quoted = True
    words[-1] = words[-1].removesuffix(end)
    return words, quoted


def _for_bash(value: str, incomplete: str, replaced: str, quoted: bool) -> str:
    """What stands in place of `replaced`: readline starts a word anew after each `:` and `=`."""
    kept = incomplete.removesuffix(replaced) if incomplete.endswith(replaced) else ""
    value = value[len(kept) :]
    return value if quoted else re.sub(r"([^\w@%+=:,./~^-])", r"\\\1", value)


def _for_zsh(value: str, text: str) -> str:
    escaped = value.replace("\\", "\\\\").replace(":", "\\:")
    return f"{escaped}:{text}" if text else escaped


def install(shell: str) -> Path:
    """Teach a shell to complete, once and for all; returns the file that was written."""
    text = script(shell)
    if shell == "fish":
        folder = xdg_folder(os.environ, "XDG_CONFIG_HOME", ".config").parent / "fish/completions"
        folder.mkdir(parents=True, exist_ok=True)
        for name in NAMES:  # fish loads a file by the command's name
            (folder / f"{name}.fish").write_text(text, "utf-8")
        return folder / f"{NAMES[0]}.fish"
    path = xdg_folder(os.environ, "XDG_DATA_HOME", ".local/share") / f"completion.{shell}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    home = Path.home()
    startup = home / ".bashrc"
    if shell == "zsh":
        startup = Path(os.environ.get("ZDOTDIR") or home) / ".zshrc"
    line = f"source {shlex.quote(str(path))}\n".encode()
    before = startup.read_bytes() if startup.exists() else b""
    if line not in before:
        with startup.open("ab") as file:
            file.write(line if before.endswith(b"\n") or not before else b"\n" + line)
    return path


def current_shell() -> str:
    """The shell that this program was called from; UsageError if that cannot be told."""
    import shellingham  # type: ignore[import-untyped]

    try:
        return str(shellingham.detect_shell()[0])
    except shellingham.ShellDetectionFailure:
        raise UsageError(
            "cannot tell which shell this is",
            hint=f"{VARIABLE}=source_bash bedrock-claude prints the script for bash",
        ) from None
