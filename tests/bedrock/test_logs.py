"""Where records are read from: pages, hours, objects, and what arrives late."""

from __future__ import annotations

import gzip
import io
import json
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import pytest

from bedrock_claude_cli.bedrock import log_objects, logs
from bedrock_claude_cli.errors import RejectedError
from tests.log_entries import CHECKED, at, entry, key_of

ROOT = "AWSLogs/000000000000/BedrockModelInvocationLogs/us-east-1/"


class Pages:
    """A client of CloudWatch Logs that hands out these pages of events in turn."""

    def __init__(self, *pages: list[Any]) -> None:
        self.pages = pages
        self.asked: list[dict[str, Any]] = []

    def filter_log_events(self, **asked: Any) -> dict[str, Any]:
        self.asked.append(dict(asked))
        index = int(asked.get("nextToken", 0))
        now = int(time.time() * 1000)
        events = [
            {"eventId": line["requestId"], "timestamp": now, "message": json.dumps(line)}
            if isinstance(line, dict)
            else {"eventId": line, "timestamp": now, "message": line}
            for line in self.pages[index]
        ]
        more = {"nextToken": str(index + 1)} if index + 1 < len(self.pages) else {}
        return {"events": events, **more}


class Bucket:
    """A client of S3 over objects in memory, which writes down what is asked of it."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self.objects = objects
        self.listed: list[dict[str, Any]] = []
        self.got: list[str] = []

    def get_paginator(self, name: str) -> Bucket:
        assert name == "list_objects_v2"
        return self

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        self.listed.append(asked)
        keys = [key for key in sorted(self.objects) if key > asked["StartAfter"]]
        for key in keys:
            if key.startswith(asked["Prefix"]):
                yield {"Contents": [{"Key": key}]}
        yield {}

    def get_object(self, **asked: Any) -> dict[str, Any]:
        self.got.append(asked["Key"])
        if asked["Key"] not in self.objects:
            raise KeyError(asked["Key"])
        return {"Body": Body(self.objects[asked["Key"]])}


class Body(io.BytesIO):
    """What botocore returns of an object."""

    def iter_chunks(self, size: int) -> Iterator[bytes]:
        while chunk := self.read(min(size, 7)):  # short reads, as a socket has them
            yield chunk


def zipped(*lines: Any) -> bytes:
    texts = (line if isinstance(line, str) else json.dumps(line) for line in lines)
    return gzip.compress("".join(f"{text}\n" for text in texts).encode())


def in_s3(objects: dict[str, bytes], prefix: str = "") -> tuple[logs.S3, Bucket]:
    client = Bucket(objects)
    return logs.s3(client, "log", prefix, "000000000000", "us-east-1"), client


def ids(found: Any) -> list[str | None]:
    return [record.request_id for record in found]


def test_pages_are_followed_to_the_last_one_also_over_empty_ones() -> None:
    client = Pages([], [entry("a")], [], [CHECKED], [], [entry("b")])
    source = logs.cloudwatch(client, "group")
    assert ids(logs.records(source, time.time() - 3600)) == ["a", "b"]
    assert [asked.get("nextToken") for asked in client.asked] == [None, "1", "2", "3", "4", "5"]


def test_cloudwatch_is_asked_in_milliseconds_and_for_the_term_alone() -> None:
    client = Pages([])
    list(logs.records(logs.cloudwatch(client, "group"), 1000.5, 2000, term="id-7"))
    (asked,) = client.asked
    assert (asked["startTime"], asked["endTime"]) == (1_000_500, 2_000_000)
    assert asked["filterPattern"] == '"id-7"'


def test_one_request_is_found_among_others_that_mention_it() -> None:
    mention = entry("other", prompt="what of id-1?")
    source = logs.cloudwatch(Pages([mention], [entry("id-1")]), "group")
    found = logs.find(source, "id-1", since=time.time() - 3600)
    assert found and found.request_id == "id-1"
    assert logs.find(source, "id-2", since=time.time() - 3600) is None
    assert logs.find(source, '"', since=0) is None, "a quote would end the filter's term"


def test_a_record_of_the_second_in_which_the_search_begins_is_found() -> None:
    now = time.time()
    source = logs.cloudwatch(Pages([entry("id-1", timestamp=at(now))]), "group")
    assert logs.find(source, "id-1", since=now)


def test_only_the_hours_that_are_asked_for_are_listed_and_fetched() -> None:
    objects = {key_of(hours * 3600): zipped(entry(f"h{hours}", hours * 3600)) for hours in range(9)}
    source, client = in_s3(objects)
    now = time.time()
    found = ids(logs.records(source, now - 4.01 * 3600, now - 3 * 3600 + 1))
    assert found == ["h4", "h3"]
    hour = datetime.fromtimestamp(now - 4.01 * 3600, timezone.utc).strftime("%Y/%m/%d/%H/")
    assert client.listed == [{"Bucket": "log", "Prefix": ROOT, "StartAfter": ROOT + hour}]
    # An hour past the asked one holds late records, but no more.
    assert not {key_of(0), key_of(3600), key_of(6 * 3600)} & set(client.got)


def test_larger_bodies_and_other_files_beside_the_records_are_left_alone() -> None:
    objects = {
        key_of(60): zipped(entry("a", 60)),
        key_of(60, "data/x_input.json.gz"): zipped(entry("b", 60)),
        key_of(60, "manifest.txt"): b"",
    }
    source, client = in_s3(objects)
    assert ids(logs.records(source, time.time() - 600)) == ["a"]
    assert client.got == [key_of(60)]


def test_a_prefix_stands_before_the_folder_and_may_itself_hold_data() -> None:
    key = key_of(60, prefix="a/data/")
    source, _ = in_s3({key: zipped(entry("a", 60))}, "a/data/")
    assert ids(logs.records(source, time.time() - 600)) == ["a"]


def test_lines_that_are_no_records_are_skipped_in_an_object() -> None:
    lines = [CHECKED, "", "{", [entry("a"), entry("b")], entry("c"), entry("d") | {"new": 1}]
    source, _ = in_s3({key_of(60): zipped(*lines)})
    assert ids(logs.records(source, time.time() - 600)) == ["a", "b", "c", "d"]


def test_objects_arrive_in_order_whole_and_unzipped_wherever_they_are_cut() -> None:
    lines = [f"line {each} é" * (each % 40) + f" end {each}" for each in range(400)]
    objects = {
        f"{part:02}": gzip.compress("\n".join(lines[part * 40 : part * 40 + 20]).encode() + b"\n")
        + gzip.compress("\n".join(lines[part * 40 + 20 : part * 40 + 40]).encode())
        for part in range(10)
    }
    client = Bucket(objects)
    got = b"".join(log_objects.blocks(client, "log", sorted(objects)) or [])
    assert got.decode() == "".join("\n".join(lines[at : at + 40]) for at in range(0, 400, 40))


def test_blocks_end_where_lines_end() -> None:
    client = Bucket({"a": gzip.compress(b"one\ntwo\nthree")})
    assert b"".join(log_objects.blocks(client, "log", ["a"])) == b"one\ntwo\nthree"
    for block in list(log_objects.blocks(client, "log", ["a"]))[:-1]:
        assert block.endswith(b"\n")


def test_an_object_that_is_not_zipped_is_read_as_it_is() -> None:
    client = Bucket({"a": b"one\ntwo\n"})
    assert b"".join(log_objects.blocks(client, "log", ["a"])) == b"one\ntwo\n"


@pytest.mark.parametrize("damage", [slice(0, -9), slice(0, 14)], ids=["cut", "cut early"])
def test_a_damaged_object_is_named(damage: slice) -> None:
    client = Bucket({"some/key": zipped(entry())[damage]})
    with pytest.raises(RejectedError, match="some/key is gzip that ends too early"):
        list(log_objects.blocks(client, "log", ["some/key"]))


def test_broken_bits_are_named() -> None:
    content = bytearray(zipped(entry()))
    content[20:40] = bytes(20)
    with pytest.raises(RejectedError, match="k is not readable gzip"):
        list(log_objects.blocks(Bucket({"k": bytes(content)}), "log", ["k"]))


def test_what_a_download_raises_reaches_the_reader() -> None:
    blocks = log_objects.blocks(Bucket({"a": zipped("1")}), "log", ["a", "missing"])
    assert next(blocks)
    with pytest.raises(KeyError):
        list(blocks)


def test_a_reader_that_leaves_early_stops_the_downloads() -> None:
    lines = [f"{each * 7919**9:x}" for each in range(400)]
    objects = {str(each): zipped(*lines) for each in range(50)}
    client = Bucket(objects)
    before = threading.active_count()
    blocks = log_objects.blocks(client, "log", sorted(objects))
    next(blocks)
    blocks.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before
    assert len(client.got) <= log_objects.PARALLEL + 1


def test_the_latest_records_come_in_order_whatever_order_they_are_stored_in() -> None:
    stored = [entry("b", 50), entry("d", 10), entry("a", 90), entry("c", 30)]
    source = logs.cloudwatch(Pages(stored), "group")
    now = time.time()
    assert ids(logs.latest(source, 3, since=now - 3600, now=now)) == ["b", "c", "d"]


def test_older_hours_are_looked_at_only_if_the_recent_ones_hold_too_few() -> None:
    client = Pages([entry("a", 60), entry("b", 50)])
    now = time.time()
    logs.latest(logs.cloudwatch(client, "group"), 2, since=now - 86400, now=now)
    assert len(client.asked) == 1
    logs.latest(logs.cloudwatch(client, "group"), 9, since=now - 86400, now=now)
    times = [(asked["startTime"], asked["endTime"]) for asked in client.asked[1:]]
    spans = [tuple(round(now - each / 1000) for each in both) for both in times]
    assert spans == [(900, -3600), (6 * 3600, 900), (86400, 6 * 3600)]


def followed(source: logs.Source, since: float, turns: list[Any]) -> list[str | None]:
    """What follow shows while each turn, called as it sleeps, changes the world."""
    waiting = iter(turns)

    def sleep(_: float) -> None:
        turn = next(waiting, None)
        if turn is None:
            raise KeyboardInterrupt
        turn()

    found: list[str | None] = []
    with pytest.raises(KeyboardInterrupt):
        found.extend(record.request_id for record in logs.follow(source, since, sleep=sleep))
    return found


def test_following_shows_each_record_once_and_those_that_come_late() -> None:
    client = Pages([entry("a", 5)])
    late = [entry("c", 1), entry("late", 100), entry("a", 5)]
    turns = [lambda: None, lambda: setattr(client, "pages", (late,))]
    source = logs.cloudwatch(client, "group")
    assert followed(source, time.time() - 200, turns) == ["a", "c", "late"]


def test_following_leaves_out_what_was_before_its_beginning() -> None:
    source = logs.cloudwatch(Pages([entry("old", 100), entry("new", 5)]), "group")
    assert followed(source, time.time() - 50, []) == ["new"]


def test_following_a_bucket_fetches_each_object_once() -> None:
    source, client = in_s3({key_of(5, "1.json.gz"): zipped(entry("a", 5))})

    def arrive() -> None:
        client.objects[key_of(5, "0.json.gz")] = zipped(entry("b", 4))

    assert followed(source, time.time() - 200, [lambda: None, arrive, lambda: None]) == ["a", "b"]
    assert len(client.got) == 2


def test_a_larger_body_is_json_where_it_is_and_else_its_text() -> None:
    client = Bucket({"p/in.json.gz": zipped({"a": 1}), "p/out": b"plain \xff"})
    assert logs.body_at("s3://log/p/in.json.gz", client) == {"a": 1}
    assert logs.body_at("s3://log/p/out", client) == "plain \ufffd"
    for path in ("https://elsewhere/x", "s3://log", "s3://log/"):
        with pytest.raises(RejectedError, match="no S3 path"):
            logs.body_at(path, client)
