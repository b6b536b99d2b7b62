"""`usage` over 200,000 records in S3, beside `zcat | python` that only parses each line.

Prints the ratio of the medians (goal: below 1.5) and the peak memory (goal: below 150 MB), and
checks the sums. The bucket is a loopback server in a process of its own: `make bench` runs it.
Each object adds about 1 ms of the client's own work, under the interpreter lock that parsing needs
too: 240 objects came to 1.1 to 1.3, `--objects 3000` to 1.6 on two busy cores and 2.7 on idle ones.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

BIN = Path(sys.executable).with_name("bedrock-claude")
FOLDER = "AWSLogs/111122223333/BedrockModelInvocationLogs/us-east-1"
PARSE = "import json, sys\nfor line in sys.stdin:\n    json.loads(line)\n"
MODELS = (
    "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "arn:aws:bedrock:us-east-1:111122223333:inference-profile/us.anthropic.claude-opus-4-6-v1",
    "global.anthropic.claude-haiku-5-5",
)
WORDS = ["logs", "hold", "every", "prompt", "and", "answer", "restrict", "who", "may", "read"]


def text(chance: random.Random, words: int) -> str:
    """Words that do not repeat themselves too well."""
    return " ".join(f"{chance.choice(WORDS)}{chance.randrange(99)}" for _ in range(words))


def record(chance: random.Random, number: int, when: datetime) -> dict[str, object]:
    """One record; every other answer was streamed, and is logged as its events."""
    answer: object = {"content": [{"type": "text", "text": text(chance, 80)}]}
    if number % 2:
        answer = [
            {
                "type": "content_block_delta",
                "index": 0,
                "delta": {"type": "text_delta", "text": text(chance, 4)},
            }
            for _ in range(20)
        ]
    asked = {"messages": [{"role": "user", "content": text(chance, 150)}], "max_tokens": 1000}
    return {
        "schemaType": "ModelInvocationLog",
        "schemaVersion": "1.0",
        "timestamp": when.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "accountId": "111122223333",
        "region": "us-east-1",
        "requestId": f"{number:08x}-0000-4000-8000-000000000000",
        "operation": "InvokeModel",
        "modelId": MODELS[number % 3],
        "identity": {"arn": f"arn:aws:iam::111122223333:user/user{number % 20}"},
        "input": {"inputBodyJson": asked, "inputTokenCount": 200},
        "output": {"outputBodyJson": answer, "outputTokenCount": 100},
    }


def write(folder: Path, records: int, objects: int) -> None:
    """The objects as files below `folder`, spread over the last 29 days."""
    chance = random.Random(1)
    begin = datetime.now(timezone.utc) - timedelta(days=29)
    varieties = [record(chance, each, begin) for each in range(600)]
    number = 0
    for each in range(objects):
        when = begin + timedelta(days=28.9 * each / objects)
        file = folder / FOLDER / when.strftime(f"%Y/%m/%d/%H/{each:06}.json.gz")
        file.parent.mkdir(parents=True, exist_ok=True)
        stamp = when.strftime("%Y-%m-%dT%H:%M:%SZ")
        with gzip.open(file, "wt", compresslevel=4) as out:
            for _ in range(records * (each + 1) // objects - number):
                entry = varieties[number % 600] | {"timestamp": stamp, "requestId": str(number)}
                out.write(json.dumps(entry) + "\n")
                number += 1


class Handler(BaseHTTPRequestHandler):
    """Just enough of S3, STS and Bedrock's control plane for `usage`."""

    protocol_version = "HTTP/1.1"
    # Head and body are two packets, and the second must not wait for an acknowledgement.
    disable_nagle_algorithm = True
    folder = Path()

    def do_GET(self) -> None:
        """The logging configuration, a listing, or an object."""
        url = urlsplit(self.path)
        if url.path == "/logging/modelinvocations":
            config = {"s3Config": {"bucketName": "bench"}, "textDataDeliveryEnabled": True}
            self.reply(json.dumps({"loggingConfig": config}).encode(), "application/json")
        elif "list-type" in url.query:
            after = parse_qs(url.query).get("start-after", [""])[0]
            names = (str(each.relative_to(self.folder)) for each in self.folder.rglob("*.gz"))
            found = "".join(
                f"<Contents><Key>{name}</Key></Contents>" for name in sorted(names) if name > after
            )
            body = f"<ListBucketResult><IsTruncated>false</IsTruncated>{found}</ListBucketResult>"
            self.reply(body.encode(), "application/xml")
        else:
            self.reply((self.folder / unquote(url.path)[len("/bench/") :]).read_bytes(), "gzip")

    def do_POST(self) -> None:
        """GetCallerIdentity."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        inner = "<Account>111122223333</Account><Arn>arn:aws:iam::111122223333:user/a</Arn>"
        name = "GetCallerIdentity"
        body = f"<{name}Response><{name}Result>{inner}</{name}Result></{name}Response>"
        self.reply(body.encode(), "text/xml")

    def reply(self, body: bytes, kind: str) -> None:
        """Send a whole response."""
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", hashlib.sha256(body[:64]).hexdigest()[:32])
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def serve(folder: Path) -> None:
    """Serve until the end of stdin; the port is the first line on stdout."""
    Handler.folder = folder
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()


def ours(port: str, home: str) -> tuple[float, float, list[list[str]]]:
    """Seconds, peak MB and rows of one `usage`."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    env |= {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLEEXAMPLEXX",
        "AWS_SECRET_ACCESS_KEY": "not-a-real-secret",
        "AWS_REGION": "us-east-1",
        "NO_PROXY": "127.0.0.1",
        "HOME": home,
    }
    started = time.perf_counter()
    process = subprocess.Popen([BIN, "usage", "-q"], env=env, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    rows = [line.rstrip("\n").split("\t") for line in process.stdout]
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"usage left with {process.returncode}")
    return time.perf_counter() - started, used.ru_maxrss / 1024, rows


def theirs(folder: Path) -> float:
    """Seconds of `zcat | python` over the same objects."""
    started = time.perf_counter()
    files = sorted(map(str, folder.rglob("*.gz")))
    zcat = subprocess.Popen(["zcat", *files], stdout=subprocess.PIPE)
    subprocess.run([sys.executable, "-c", PARSE], stdin=zcat.stdout, check=True)
    zcat.wait()
    return time.perf_counter() - started


def runs(port: str, folder: Path, records: int, count: int) -> Iterator[tuple[float, float, float]]:
    """Both sides alternately; the sums are checked each time."""
    for _ in range(count):
        base = theirs(folder)
        seconds, peak, rows = ours(port, str(folder))
        calls = sum(int(row[1]) for row in rows)
        print(f"  {seconds:5.1f} s / {base:.1f} s, {peak:.0f} MB, {calls} calls")
        if calls != records:
            raise SystemExit(f"usage counted {calls} of {records} calls")
        yield base, seconds, peak


def main() -> None:
    """Make the objects, serve them and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--objects", type=int, default=240)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, options.records, options.objects)
        size = sum(each.stat().st_size for each in folder.rglob("*.gz")) / 1e6
        print(f"{options.records} records in {options.objects} objects, {size:.0f} MB zipped")
        server = subprocess.Popen(
            [sys.executable, __file__, "--serve", name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert server.stdout is not None and server.stdin is not None
        try:
            port = server.stdout.readline().strip()
            found = list(runs(port, folder, options.records, options.runs))
        finally:
            server.stdin.close()
            server.wait()
    base, seconds, peaks = zip(*found, strict=True)
    ratio = statistics.median(seconds) / statistics.median(base)
    print(
        f"usage / zcat | json.loads  {ratio:.2f}  (goal 1.50, {'ok' if ratio < 1.5 else 'MISSED'})"
    )
    print(f"peak memory  {max(peaks):.0f} MB  (goal 150, {'ok' if max(peaks) < 150 else 'MISSED'})")


if __name__ == "__main__":
    main()
