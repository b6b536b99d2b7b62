"""The errors in a text: a traceback, a log, a client's message or a bare body of JSON.

Everything that may begin an error's words is found first, each by the form that some client gives
it; what stands in the same place is one error told twice, and what a chain of exceptions joins is
one error that was passed on.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from bedrock_claude_cli.diagnosis.message import (
    FEW,
    LONGEST,
    Body,
    bodies,
    last,
    named_by_words,
    quoted,
    whole_message,
    without_head,
    words_after,
)
from bedrock_claude_cli.diagnosis.words import (
    AWS,
    AWS_WORDS,
    CLIENT_WORDS,
    NAME_OF,
    NAMES,
    SDK_CLASSES,
    SHARED_NAMES,
)

# How sure a form is: a name of AWS's, words that only AWS says, in a form or bare, a client's own
# error, only a status or a client's class for it, and what merely wraps another error.
NAMED, WORDS, BARE, CLIENT, STATUS, WRAPS = 6, 5, 4, 3, 2, 1


class Found(NamedTuple):
    """An error as a text tells it; `at` and `end` are positions, `status` 0 where it tells none."""

    at: int
    end: int
    sure: int
    name: str
    message: str
    status: int = 0
    operation: str | None = None
    told: re.Match[str] | None = None


def find(text: str) -> list[Found]:
    """Every error of a cleaned text, in order; what is one error stands once."""
    single: list[Found] = []
    for each in sorted(list(_all(text)) or _weak(text), key=lambda one: (one.at, one.end)):
        if single and each.at < single[-1].end:
            single[-1] = _joined(single[-1], each)
        else:
            single.append(each)
    chained: list[Found] = []
    before = 0
    for each in single:
        between = text[before : each.at]
        before = each.at
        if chained and _CHAIN.search(between):
            chained[-1] = max(chained[-1], each, key=_root)
        elif chained and _CAUSED.search(between):
            chained[-1] = max(each, chained[-1], key=_root)
        elif chained and each.message and each.message == chained[-1].message:
            chained[-1] = chained[-1]._replace(status=chained[-1].status or each.status)
        else:
            chained.append(each)
    return [_as_the_header_says(each, text) for each in chained]


def _as_the_header_says(each: Found, text: str) -> Found:
    """An error without a name, with the one that the response's header near it tells."""
    if each.sure not in (WORDS, BARE, STATUS):
        return each
    near = _HEADER.search(text, max(0, each.at - LONGEST), each.end + LONGEST)
    name = _spelled(near[1]) if near else ""
    return each._replace(name=name, sure=NAMED) if name in AWS else each


def _root(each: Found) -> int:
    """Of a chain the first that AWS said counts, else the first of a client."""
    if each.name.startswith("API"):
        return WRAPS
    return NAMED if each.sure >= BARE else each.sure


def _joined(first: Found, second: Found) -> Found:
    best, other = (first, second) if first.sure > second.sure else (second, first)
    return best._replace(
        at=first.at,
        end=max(first.end, second.end),
        name=best.name or other.name,
        status=best.status or other.status,
        operation=best.operation or other.operation,
        message=best.message or other.message,
        told=best.told or other.told,
    )


_CHAIN = re.compile(r"During handling of the above exception|exception was the direct cause of")
_CAUSED = re.compile(r"(?m)^\s*(?:Caused by: |\[cause\]: |cause: )")
_CALM = re.compile(r"\b(?:INFO|DEBUG|TRACE|NOTICE)\b|\blevel\W{1,4}(?:info|debug|trace)\b", re.I)
_BAD = re.compile(r"error|exception|fail|denied|fatal|refus|reject|\b[45]\d\d\b", re.I)

_BOTO = re.compile(
    r"An\s+error\s+occurred\s+\(([\w.]+)\)(?:\s+when\s+calling\s+the\s+(\w+)\s+operation"
    r"(?:\s+\(reached\s+max\s+retries:\s+\d+\))?)?:\s*", re.I)  # fmt: skip
# The same in another language, or with its beginning or end cut off.
_IN_BRACKETS = re.compile(
    r"(?<![A-Za-z0-9_.])\(([A-Z]\w{4,70})\)(?:\s+when\s+calling\s+the\s+(\w+)\s+operation\b"
    r"(?:\s+\(reached\s+max\s+retries:\s+\d+\))?:?|\s+when\s+calling\b[^\n:]*$|"
    r"[^\n:\uff1a(]{0,80}[:\uff1a]|\s*$)\s*", re.M)  # fmt: skip
_GO = re.compile(
    r"operation\s+error\s+[\w ]{1,40}:\s+(\w+),[^\n]{0,120}?StatusCode:\s*(\d{3}),"
    r"\s*RequestID:\s*[\w-]*,\s*(?:api\s+error\s+)?(?:([A-Z]\w+):\s)?", re.I)  # fmt: skip
_JAVA = re.compile(
    r"\(Service:\s*\w+[,;]\s*Status\s+Code:\s*(\d{3})(?:;\s*Error\s+Code:\s*(\w+))?", re.I
)
_A_NAME = re.compile(
    r"(?<![\w.$-])((?:[A-Za-z_]\w{0,60}\.){0,8})([A-Za-z]\w{4,70})(?:\(\d+\))?"
    r"(?:(?::|\s-|\(properties:)\s+|:?\s*$)", re.M)  # fmt: skip
_RAISED = re.compile(r"\braised (\w{5,70})>")
_API_ERROR = re.compile(
    r"(?:Error code:\s+|API Error:?\s+(?:\([^)\n\d][^)\n]{0,120}\):?\s*)?"
    r"(?:Request rejected )?\(?)([45]\d\d|200)\b(?:\s+-)?[):]?\s*", re.I)  # fmt: skip
# What requests and httpx make of a status.
_AT_AWS = re.compile(
    r"(?:\b([45]\d\d) (?:Client|Server) Error: |\b(?:Client|Server) error '([45]\d\d) )"
    r"[^\n]{0,80}? for url:? '?https://[\w.-]*\b(?:bedrock|sts)[\w.-]*\.amazonaws\.com[^\s']*", re.I
)  # fmt: skip
_RESPONSE = re.compile(r"^(?:[<*] )?HTTP(?:/[\d.]+)? ([45]\d\d)\b", re.M | re.I)
_TITLE = re.compile(r"<title>\s*([45]\d\d)\b", re.I)
_ONLY_STATUS = re.compile(
    r"(?:HTTP\S*\s+|status\W*|error\W*|code\W*){0,4}([45]\d\d)(?:\s[\w ]*)?", re.I
)
_HEADER = re.compile(r"x-amzn-errortype[\"']?\s*[:=]\s*[\"']?(\w+)", re.I)
_XML = re.compile(r"<Code>(\w+)</Code>\s*<Message>([^<]{0,4000})", re.I)
_TYPE = re.compile(
    r"(?<![\w$])(?:__)?(?:type|code|name|errorcode)\\{0,16}[\"']?\s*[:=]\s*\\{0,16}[\"']"
    r"(?:[\w.]+#)?(\w{5,70})", re.I)  # fmt: skip
# What botocore lets through bare when a credential_process prints no JSON.
_NO_JSON = re.compile(
    r"botocore[/\\]credentials\.py\"(?:(?!Traceback \().){1,3000}?^(?:json\.decoder\.)?"
    r"(JSONDecodeError: [^\n]*)", re.M | re.S)  # fmt: skip
OWN_JSON = re.compile(
    r'\{"error": \{"code": "(?P<code>\w+)", "message": (?P<message>"(?:[^"\\]|\\.)*"), '
    r'"hint": (?P<hint>null|"(?:[^"\\]|\\.)*"), "exit_code": (?P<exit>\d+), '
    r'"request_id": [^,]+, "retry": "(?P<retry>[\w-]+)"'
)
OWN_TEXT = re.compile(r"(?m)^error: (?P<message>.+)\n(?:.*\n)??hint: (?P<hint>.+)")
# Without a hint it is this tool's where it tells its region and identity, or a place in YAML.
OWN_LINE = re.compile(
    r"(?m)^error: (?P<message>(?:HTTP (?P<status>[45]\d\d)(?:: )?)?.{0,4000}?"
    r"(?= \((?:sandbox, region |region [\w-]+ from |profile \S+ from |keys from AWS_|"
    r"API key from AWS_|no profile named).{0,400}\)$)|\S{1,400}\.ya?ml:\d+:\d+ .+)"
)


def _all(text: str) -> Iterator[Found]:
    for match in last(_BOTO, text):
        yield _named(text, match, match[1], operation=match[2])
    for match in last(_IN_BRACKETS, text):
        before = text[max(0, match.start() - 80) : match.start()].rpartition("\n")[2]
        if match[1] in AWS and not _CODE.search(before) and not _calm(text, match.start()):
            yield _named(text, match, match[1], operation=match[2])
    for match in last(_GO, text):
        yield _named(text, match, match[3] or "", status=int(match[2]), operation=match[1])
    for match in last(_NO_JSON, text):
        yield Found(match.start(1), match.end(), CLIENT, "CredentialRetrievalError", match[1])
    for match in last(_XML, text):
        yield Found(match.start(), match.end(), NAMED, _spelled(match[1]), match[2].strip())
    for match in last(_RAISED, text):
        if _spelled(match[1]) in AWS:
            yield Found(match.start(), match.end(), NAMED, _spelled(match[1]), "")
    named = (match for match in _A_NAME.finditer(text) if match[2].lower() in NAMES)
    for match in deque(named, maxlen=FEW):
        yield from _by_name(text, match)
    for match in last(_JAVA, text):
        yield from _java(text, match)
    for match in last(_API_ERROR, text):
        yield from _by_status(text, match)
    for match in last(_AT_AWS, text):
        status = int(match[1] or match[2])
        yield Found(match.start(), match.end(), STATUS, NAME_OF.get(status, ""), match[0], status)
    for body in bodies(text):
        yield from _body(text, body)
    for each in (OWN_JSON, OWN_TEXT):
        for match in last(each, text):
            said = match["message"].strip('"')
            yield Found(match.start(), match.end(), STATUS, "", said, told=match)
    for match in last(OWN_LINE, text):
        status = int(match["status"] or 0)
        said = match["message"].removeprefix(f"HTTP {status}").removeprefix(": ")
        yield Found(match.start(), match.end(), STATUS, "", said, status, told=match)
    yield from _bare(text)


def _spelled(name: str) -> str:
    """A name as the tables spell it; one that came inside a stream begins in lower case."""
    known = NAMES.get(name.lower(), name)
    return known[:1].lower() + known[1:] if name[:1].islower() and name != name.lower() else known


def in_a_stream(name: str) -> bool:
    """Whether a name is spelled as only the events of a stream spell it."""
    return name[:1].islower() and "_" not in name


def _named(
    text: str, match: re.Match[str], name: str, status: int = 0, operation: str | None = None
) -> Found:
    """What boto3 and the Go SDK say; a name that is no error of Bedrock's stays, to be shown."""
    message, end = words_after(text, match.end())
    spelled, words = _spelled(name), named_by_words(message)
    if spelled in AWS or in_a_stream(spelled):
        return Found(match.start(), end, NAMED, spelled, message, status, operation)
    sure = WORDS if words else STATUS
    status = status or (int(name) if name.isdecimal() else 0)
    return Found(match.start(), end, sure, words or name, message, status, operation)


_CODE = re.compile(r"\b(?:except|catch|import|raises?|class)\b[\s(]*$|[#*`]\s*$")
_ENDED = re.compile(r"(?:fail|error|exception|threw|denied)\w*\b.*[:=(]\s*$", re.I)


def _by_name(text: str, match: re.Match[str]) -> Iterator[Found]:
    """`module.Name: message`, as nearly every language prints what was raised."""
    name, module = _spelled(match[2]), match[1].lower()
    before = text[max(0, match.start() - 80) : match.start()].rpartition("\n")[2]
    alone = not before.strip() and not text[match.end() :].strip()
    ended = name in AWS and _ENDED.search(before)
    if (match[0].rstrip()[-1:] not in ":-" and not alone and not ended) or _CODE.search(before):
        return
    if module.startswith(("openai.", "google.", "requests.", "aiohttp.", "selenium.", "yaml.")):
        return
    message, end = words_after(text, match.end())
    if not (message or alone or module or ended):
        return
    found = Found(match.start(), end, NAMED, name, message)
    if NAMES[match[2].lower()] in SDK_CLASSES:
        yield from _sdk(found, module)
    elif name in AWS or in_a_stream(name):
        yield found
    elif not (name in SHARED_NAMES and not module and not alone) or name.startswith("API"):
        wraps = module.startswith(("urllib3.", "httpcore"))
        yield found._replace(sure=WRAPS if wraps else CLIENT)


def _sdk(found: Found, module: str) -> Iterator[Found]:
    """An SDK's class, which stands for a status; litellm's is often not the right one."""
    name, status = SDK_CLASSES[found.name]
    told = re.match(r"(?:Error code: )?([2-5]\d\d)\b(?: -)?\s*", found.message)
    words = found.message[told.end() :] if told else found.message
    if by_words := named_by_words(words):
        yield found._replace(sure=WORDS, name=by_words, message=words, status=status)
    elif module.startswith(("anthropic.", "litellm.")) or told:
        status = int(told[1]) if told else status
        name = name if module.startswith(("anthropic.", "litellm.")) else ""
        yield found._replace(sure=STATUS if status else WRAPS, name=name, message=words,
                             status=status)  # fmt: skip


def _java(text: str, match: re.Match[str]) -> Iterator[Found]:
    """`message (Service: ..., Status Code: ...)`, where no name stands in front."""
    start = text.rfind("\n", 0, match.start()) + 1
    while text[:start].rstrip() and match.start() - start < 20:
        start = text.rfind("\n", 0, start - 1) + 1
    message = " ".join(text[max(start, match.start() - LONGEST) : match.start()].split())
    name = match[2] or named_by_words(message)
    yield Found(max(start, match.start() - LONGEST), match.end(), WORDS if name else STATUS,
                name or "", message, int(match[1]))  # fmt: skip


def _by_status(text: str, match: re.Match[str]) -> Iterator[Found]:
    """`Error code: 400 - {...}` and `API Error: 403 {...}`."""
    message, end = words_after(text, match.end())
    name = named_by_words(message)
    foreign = re.search(r"openai\.\w+: $", text[max(0, match.start() - 60) : match.start()])
    if name or not foreign:
        sure = WORDS if name else STATUS
        yield Found(match.start(), end, sure, name, message, int(match[1]))


def _weak(text: str) -> Iterator[Found]:
    """The head of a response, for a text in which nothing else tells of an error."""
    for match in (*last(_RESPONSE, text), *last(_TITLE, text), *last(_HEADER, text)):
        body = next(bodies(text, match.end(), match.end() + LONGEST), None)
        name = "" if match[1].isdecimal() else _spelled(match[1])
        message = body.text if body else ""
        status = int(match[1]) if not name else 0
        end = body.end if body else match.end()
        yield Found(match.start(), end, STATUS, name, message, status)
    if only := _ONLY_STATUS.fullmatch(text.strip()):
        yield Found(0, len(text), STATUS, "", "", int(only[1]))


def _body(text: str, body: Body) -> Iterator[Found]:
    """The body of an AWS or Messages API error, as JSON or as a language prints an object."""
    start, end = max(0, body.at - 200), body.end + 200
    near = [each for each in _TYPE.finditer(text, start, end) if each[1].lower() in NAMES]
    name = next((_spelled(each[1]) for each in near if NAMES[each[1].lower()] in AWS), "")
    by_words = named_by_words(body.text)
    if (name or by_words) and not _calm(text, body.at):
        sure = NAMED if name else WORDS
        yield Found(body.at, body.end, sure, name or by_words, body.text)


def _bare(text: str) -> Iterator[Found]:
    """Words without any form: on a line that tells of an error, or in a text that is no log."""
    lower = text.lower()
    short = sum(1 for line in text.splitlines() if line.strip()) <= 5
    for words, sure in ((AWS_WORDS, BARE), (CLIENT_WORDS, CLIENT)):
        for fragment, name in words:
            for at in _places(lower, fragment):
                start = text.rfind("\n", 0, at) + 1
                message, end = words_after(text, (quoted(text, at) or (start,))[0])
                line = text[start : start + LONGEST].partition("\n")[0]
                if _calm(text, at) or not (short or _BAD.search(line) or start == at):
                    continue
                message = without_head(message) if sure == BARE else text[at : max(end, at)]
                yield Found(at, max(end, at), sure, name, " ".join(message.split()))
    text = text.strip()
    if short and (name := whole_message(text)):
        yield Found(0, len(text), BARE, name, without_head(text))


def _places(text: str, fragment: str) -> Iterator[int]:
    """Where a fragment stands, also with a line broken between its words."""
    words = fragment.split()
    if max(words, key=len) in text:
        pattern = re.compile(r"\s+".join(map(re.escape, words)).replace(r"\#", r"\d+"))
        yield from (each.start() for each in last(pattern, text))


def _calm(text: str, at: int) -> bool:
    """Whether the line says of itself that it tells of nothing bad."""
    start = text.rfind("\n", 0, at) + 1
    return bool(_CALM.search(text, max(start, at - 300), at))


def latest(found: Iterable[Found]) -> Found | None:
    """The one that a text is about: the last that is more than a wrapper."""
    every = list(found)
    chosen = [each for each in every if each.sure > WRAPS] or every
    return chosen[-1] if chosen else None
