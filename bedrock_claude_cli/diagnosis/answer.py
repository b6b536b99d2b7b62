"""What `why` answers: the error that a text is about, as the table and its topics explain it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, NamedTuple

from bedrock_claude_cli import explain
from bedrock_claude_cli.diagnosis import elsewhere, forms, pasted
from bedrock_claude_cli.diagnosis.forms import Found
from bedrock_claude_cli.diagnosis.message import named_by_words
from bedrock_claude_cli.diagnosis.topics import TOPICS
from bedrock_claude_cli.diagnosis.words import CLIENT_TOPIC_OF, NAME_OF, NAMES, STATUS
from bedrock_claude_cli.errors import CliError
from bedrock_claude_cli.known_errors import (
    BOUNDED,
    BY_NAME,
    BY_STATUS,
    CLIENT_TABLE,
    EXPLICIT_DENY,
    OTHER,
    PLACES,
)

_SHOWN = 1000  # characters of a message
_FEW = 10  # other errors that are named


@dataclass(frozen=True)
class Other:
    """Another error in the same text."""

    code: str
    message: str
    line: int


@dataclass(frozen=True)
class Answer:
    """docs/json.md describes the keys."""

    code: str
    message: str
    topic: str
    means: str
    causes: tuple[str, ...]
    mends: tuple[str, ...]
    statement: dict[str, Any] | None
    retry: str
    exit_code: int | None
    operation: str | None
    status: int | None
    request_id: str | None
    model: str | None
    region: str | None
    line: int
    others: tuple[Other, ...]


@dataclass(frozen=True)
class Unknown:
    """The line that was taken for an error, which nobody knows."""

    line: int
    text: str


def diagnose(text: str, before: int = 0) -> Answer | Unknown:
    """The answer to a cleaned text; `before` is how many lines were left out in front of it."""
    readings = [_read(text)]
    if (joined := pasted.unbroken(text)) != text:
        readings.append(_read(joined)._replace(mended=_is_folded(readings[0])))
    found, about, judged, text, _ = max(readings, key=_clear)
    if about is None or judged is None:
        return _unknown(text, about, before)
    error, topic = judged
    model, region = _nearest(_MODEL, about, text), _nearest(_REGION, about, text)
    places = {**PLACES, "{login}": _login(about.message)}
    if model:
        places["{model}"] = model
    if region:
        places["{region}"] = region
    statement = explain.statement(_plain(about.message))
    told = TOPICS[topic]
    hint = error.hint if about.told else _of_others(error.hint)
    hints = (_without(hint, statement), *told.mends)
    return Answer(
        code=error.code,
        message=_message(about),
        topic=topic,
        means=f"{told.means}{_general(about, text, topic)}",
        causes=_causes(topic, about.message),
        mends=tuple(dict.fromkeys(_filled(hint, places) for hint in hints if hint)),
        statement=statement,
        retry=error.retry,
        exit_code=_exit_code(about, error, topic),
        operation=about.operation,
        status=about.status or None,
        request_id=error.request_id,
        model=model,
        region=region,
        line=before + _line(text, about.at),
        others=tuple(_others(found, about, text, before))[:_FEW],
    )


class _Reading(NamedTuple):
    """The errors of a text, the one that it is about, and what the table makes of it.

    `mended` is a text whose lines had surely been broken within words, and are put together.
    """

    found: list[Found]
    about: Found | None
    judged: tuple[CliError, str] | None
    text: str
    mended: bool = False


def _read(text: str) -> _Reading:
    found = forms.find(text)
    about = forms.latest(found)
    return _Reading(found, about, _judged(about, text) if about else None, text)


def _is_folded(reading: _Reading) -> bool:
    """Whether the error goes over several lines that are all as wide as the text is."""
    if reading.about is None:
        return False
    start = reading.text.rfind("\n", 0, reading.about.at) + 1
    *full, _ = reading.text[start : reading.about.end].split("\n")
    width = max(map(len, reading.text.split("\n")))
    return len(full) > 1 and all(len(line) == width for line in full)


def _clear(reading: _Reading) -> tuple[bool, int, bool, bool, bool, bool]:
    """How well a text could be read, its lines as they are or put together."""
    if reading.about is None or reading.judged is None:
        return False, 0, False, False, False, False
    worded = bool(named_by_words(reading.about.message))
    topic = reading.judged[1]
    sure = reading.about.sure
    return True, sure, reading.mended, topic not in _UNCLEAR, topic in _BLOCKED, worded


_BLOCKED = {EXPLICIT_DENY.topic, BOUNDED.topic, "organization"}
_UNCLEAR = {*BY_NAME.values(), *(each.topic for each in BY_STATUS.values())}


def _judged(found: Found, text: str) -> tuple[CliError, str] | None:
    """The error as the door would tell it, and its topic; None for what no table knows."""
    if found.told is None:
        return _by_table(found, text)
    own = _own(found.told)
    by_aws = found.sure > forms.STATUS or found.status
    judged = _by_table(found, text) if by_aws else None
    if judged is None:
        return own, "own"
    error, topic = judged
    error.hint = own.hint or error.hint
    if "exit" in found.told.groupdict():
        error.retry = own.retry
    return error, topic


# An ARN with what may stand around it: quotes, and what follows in a record of a log.
_ARN = re.compile(r"(on resource:\s+)\\{0,16}[\"'`]?(arn:[^\s\"'`<>\\{}]*[^\s\"'`<>\\{}.,;)\]])\S*")


def _plain(message: str) -> str:
    """A message with its ARN bare, as it has to stand in a policy."""
    return _ARN.sub(r"\1\2", message)


def _by_table(found: Found, text: str) -> tuple[CliError, str] | None:
    name = NAMES.get(found.name.lower(), found.name)
    if topic := CLIENT_TOPIC_OF.get(name):
        return CliError(found.message, code=name), topic
    if name in CLIENT_TABLE:
        sent = "handshake" not in text[: found.end].lower()
        error = explain.explain_client(name, found.message, sent=sent)
        error.code = name
        return error, CLIENT_TABLE[name].topic
    streamed = forms.in_a_stream(found.name) or found.status == 200
    fault = explain.AwsFault(
        name=name if "_" in name else name[:1].upper() + name[1:],
        message=_plain(found.message) or "no message",
        status=200 if streamed else found.status or STATUS.get(name, 400),
        request_id=_request_id(found, text),
        operation=found.operation,
    )
    topic = explain.verdict(fault).topic
    if topic == OTHER.topic:
        meant = NAME_OF.get(found.status, "") if found.operation else ""
        topic = BY_NAME.get(explain.aws_name(name)) or BY_NAME.get(meant, "")
    action = (explain.refused(fault.message) or ("",))[0]
    if topic == "permission" and action.lower().startswith("bedrock:invokemodel"):
        topic = "model-permission"  # the table knows it by the model's ARN, not the profile's
    topic = elsewhere.topic_of_operation(topic, name, found.operation)
    return elsewhere.placed(found, text, explain.explain(fault), topic)


def _own(told: re.Match[str]) -> CliError:
    """An error of this tool that is not AWS's, as its stderr tells it."""
    said = told.groupdict()
    hint = said.get("hint")
    if hint and "exit" in said:
        hint = json.loads(hint)
    return CliError(
        said["message"], hint=hint, code=said.get("code"), retry=said.get("retry") or "no"
    )


def _general(found: Found, text: str, topic: str) -> str:
    foreign = topic != elsewhere.OTHER_SERVICE and elsewhere.foreign(found, text)
    return elsewhere.GENERAL if foreign and found.sure > forms.CLIENT else ""


def _exit_code(found: Found, error: CliError, topic: str) -> int | None:
    if topic == elsewhere.OTHER_SERVICE:
        return None
    told = found.told.groupdict().get("exit") if found.told else None
    if told:
        return int(told)
    return None if topic == "own" else int(error.exit_code)


def _others(found: list[Found], about: Found, text: str, before: int) -> list[Other]:
    """The rest of the errors, each once, the last first."""
    seen = [_message(about)]
    others = []
    for each in reversed(found):
        message = _message(each)
        if any(message in one or one in message for one in seen):
            continue
        seen.append(message)
        code = explain.aws_name(NAMES.get(each.name.lower(), each.name))
        others.append(Other(code, message, before + _line(text, each.at)))
    return others


def _message(found: Found) -> str:
    """What is shown of a message; the name or the status where there is none."""
    status = f"HTTP {found.status}" if found.status else ""
    return pasted.masked(found.message)[:_SHOWN] or found.name or status


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


_ERROR = re.compile(r"error|exception|fail|denied|fatal|refus|invalid|not found", re.I)


def _unknown(text: str, about: Found | None, before: int) -> Unknown:
    lines = text.split("\n")
    if about is not None:
        at = _line(text, about.at)
    else:
        filled = [at for at, line in enumerate(lines, 1) if line.strip()]
        bad = [at for at in filled if _ERROR.search(lines[at - 1])]
        at = (bad or filled or [1])[-1]
    return Unknown(before + at, pasted.masked(" ".join(lines[at - 1].split()))[:200])


_MODEL = re.compile(
    r"(?<![\w.-])(?:[a-z]{2,6}(?:-gov)?\.)?anthropic\.claude[\w.-]*\w(?:(?::|%3A)\d+)?"
)
_REGION = re.compile(
    r"\b(?:us|eu|ap|sa|ca|me|af|il|mx)(?:-gov)?-"
    r"(?:(?:north|south)?(?:east|west)|north|south|central)-\d\b"
)


def _nearest(pattern: re.Pattern[str], found: Found, text: str) -> str | None:
    """What the message names, else the last before it, else the first behind it."""
    inside = pattern.findall(found.message)
    before = inside[:1] or pattern.findall(text[: found.end])[-1:]
    every = before or pattern.findall(text, found.end)[:1]
    return every[0].replace("%3A", ":") if every else None


_REQUEST = re.compile(
    r"request[ _-]?id[\"']?\s*[:=]?\s*[\"']?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
    r"|\brequest ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b", re.I)  # fmt: skip


def _request_id(found: Found, text: str) -> str | None:
    near = _REQUEST.search(text, max(0, found.at - 400), found.end + 1500)
    return (near[1] or near[2]) if near else None


def _login(message: str) -> str:
    if session := re.search(r"Token for ([\w-]+) does not exist", message):
        return f"`aws sso login --sso-session {session[1]}`"
    return "`aws sso login` or `aws configure`"


def _of_others(hint: str | None) -> str | None:
    """A hint as it holds of other clients, most of which repeat a request by themselves."""
    again = "; the client may have sent it again by itself"
    return hint and hint.replace(", so nothing was sent again", again)


def _causes(topic: str, message: str) -> tuple[str, ...]:
    """A topic's causes, without those of other kinds of policy than the message names."""
    every = TOPICS[topic].causes
    by = explain.blocked(message) if topic == "bounded" else None
    kinds = [word for word in ("boundary", "session", "endpoint", "resource-based")
             if by and word in by.kind]  # fmt: skip
    named = [cause for cause in every if any(kind.split("-")[0] in cause for kind in kinds)]
    return tuple(named) or every


def _filled(hint: str, places: dict[str, str]) -> str:
    for place, words in places.items():
        hint = hint.replace(place, words)
    return hint


def _without(hint: str | None, statement: dict[str, Any] | None) -> str | None:
    """A hint without the statement, which is shown by itself."""
    return hint.replace(f": {json.dumps(statement)}", "") if hint and statement else hint
