"""One record of an input: a line of JSONL or a row of CSV, or what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import IO, Any, NamedTuple

from jiter import from_json

from bedrock_claude_cli.bedrock.ask import MAX_BODY

# JSON may spell a character of two bytes with six, so a line is longer than the body it becomes.
MAX_LINE = 3 * MAX_BODY
_NONE: Mapping[str, Any] = MappingProxyType({})

_ARRAY = "; of an array `jq -c '.[]'` makes a line for each item"


class Record(NamedTuple):
    """One record: `fields` are its other keys; `text` says that they are texts, as in CSV.

    One of `prompt`, `messages` and `model_input` is set, or none where a template shall be filled.
    """

    id: str
    line: int
    fields: Mapping[str, Any] = _NONE
    prompt: str | None = None
    messages: list[Any] | None = None
    model_input: Mapping[str, Any] | None = None
    text: bool = False


class Fault(NamedTuple):
    """What is wrong with a line, in words."""

    line: int
    what: str


def _constant(text: str) -> Any:
    raise ValueError(f"{text} is no number in JSON")


_decoder = json.JSONDecoder(parse_constant=_constant)


def of_json(number: int, line: bytes) -> Record | Fault | None:
    """The record in one line of JSON; None for a blank line."""
    if len(line) > MAX_LINE:
        return Fault(number, f"it has more than {MAX_LINE:,} bytes, and no request may")
    try:  # jiter takes less than json, and a quarter of its time
        found = from_json(line, allow_inf_nan=False, cache_mode="keys")
    except ValueError:
        return _of_json(number, line)
    if type(found) is not dict:
        return _of_json(number, line)
    return _record(number, found)


def _of_json(number: int, line: bytes) -> Record | Fault | None:
    """The same of any line, with words for what is wrong."""
    try:
        text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
        if not text:
            return None
        found, end = _decoder.raw_decode(text)
        if end < len(text):
            _decoder.decode(text)  # says what is behind the object
        if "\\" in text and "\\ud" in text:
            json.dumps(found, ensure_ascii=False).encode()  # half a surrogate pair cannot be sent
    except UnicodeDecodeError as error:
        return Fault(number, f"it is not UTF-8 (byte {error.start + 1:,})")
    except UnicodeEncodeError:
        return Fault(number, "it has half of a character (a lone surrogate), which cannot be sent")
    except json.JSONDecodeError as error:
        what = f"it is not JSON: {error.msg.lower()} at column {error.colno:,}"
        return Fault(number, what + _ARRAY * (text == "["))
    except (ValueError, RecursionError) as error:
        why = "nested too deep" if isinstance(error, RecursionError) else str(error)
        return Fault(number, f"it is not JSON: {why}")
    if not isinstance(found, dict):
        return Fault(number, f"it is not a JSON object{_ARRAY * isinstance(found, list)}")
    return _record(number, found)


def _record(number: int, found: dict[str, Any], *, text: bool = False) -> Record | Fault:
    if len(found) == 2:
        own, prompt = found.get("id"), found.get("prompt")
        if type(own) is str and type(prompt) is str and own.strip():
            return Record(own, number, _NONE, prompt, None, None, text)
    batch = "modelInput" in found or "recordId" in found
    key = "recordId" if batch else "id"
    own = found.pop(key, None)
    if own is None:
        own = str(number)
    elif isinstance(own, int) and not isinstance(own, bool):
        own = str(own)
    if not isinstance(own, str) or not own.strip():
        return Fault(number, f"`{key}` is a text or a whole number")
    prompt, turns = found.pop("prompt", None), found.pop("messages", None)
    body = found.pop("modelInput", None)
    if batch:
        if not isinstance(body, dict):
            return Fault(number, "`recordId` goes with `modelInput`, the body of InvokeModel")
        if found or prompt is not None or turns is not None:
            also = ", ".join([*found, *(["prompt"] if prompt else ["messages"] if turns else [])])
            return Fault(number, f"`modelInput` is sent as it stands, without {also}")
        return Record(own, number, model_input=body)
    if prompt is not None and turns is not None:
        return Fault(number, "`prompt` and `messages` exclude each other")
    if prompt is not None and not isinstance(prompt, str):
        return Fault(number, "`prompt` is a text")
    if turns is not None and not isinstance(turns, list):
        return Fault(number, "`messages` is a list of turns")
    return Record(own, number, found, prompt, turns, text=text)


def of_csv(raw: IO[bytes]) -> Iterator[Record | Fault]:
    """The rows as records: a header names the keys, and an empty cell is none.

    A header without a comma is taken to be parted by what spreadsheets use in its place.
    """
    import csv
    import io
    from itertools import chain

    csv.field_size_limit(MAX_LINE)
    text = io.TextIOWrapper(raw, encoding="utf-8-sig", newline="", errors="surrogateescape")
    try:
        blank, first = 0, text.readline()
        while first.isspace():
            blank, first = blank + 1, text.readline()
        if not _is_utf8([first]):  # of which csv may say something else, as of UTF-16's zeros
            yield Fault(blank + 1, "it is not UTF-8")
            return
        parted = next((each for each in ",;\t" if each in first), ",")
        rows = csv.reader(chain([first], text), strict=True, delimiter=parted)
        try:
            yield from _rows(rows, blank)
        except csv.Error as error:
            yield Fault(blank + rows.line_num, f"it is not CSV: {error}")
    finally:
        text.detach()


def _rows(rows: Any, blank: int) -> Iterator[Record | Fault]:
    """The rows that csv reads, behind so many blank lines."""
    header = next(rows, None)
    if header is None:
        return
    wrong = [each for each in header if header.count(each) > 1 or not each.strip()]
    for name in dict.fromkeys(wrong):
        what = f"the column `{name}` stands twice" if name else "a column has no name"
        yield Fault(blank + 1, what)
    for row in filter(None, rows):
        yield _row(blank + rows.line_num, header, row)


def _is_utf8(cells: list[str]) -> bool:
    try:
        "".join(cells).encode()
    except UnicodeEncodeError:
        return False
    return True


def _row(number: int, header: list[str], row: list[str]) -> Record | Fault:
    if len(row) != len(header):
        return Fault(number, f"it has {len(row)} cells, and the header {len(header)} columns")
    if not _is_utf8(row):
        return Fault(number, "it is not UTF-8")
    found: dict[str, Any] = {key: cell for key, cell in zip(header, row, strict=True) if cell}
    for key in ("messages", "modelInput"):
        if key in found:
            return Fault(number, f"`{key}` is JSON, which a cell cannot hold: write JSONL")
    return _record(number, found, text=True)
