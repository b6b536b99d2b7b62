"""What a file is told to be by its bytes, and that no bytes are too odd."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bedrock_claude_cli.bedrock import attachments, media
from bedrock_claude_cli.bedrock.prompt import Attachment
from bedrock_claude_cli.errors import CliError
from tests.bedrock import media_samples as make


def nothing() -> bytes:
    raise AssertionError("standard input is not to be read")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("attached")


def attached(folder: Path, data: bytes, name: str = "file", kind: str = "") -> Attachment:
    path = folder / name
    path.write_bytes(data)
    return attachments.read(f"{path}{kind}", nothing)


@pytest.mark.parametrize("name", ["a.jpg", "a.pdf", "a.csv", "a", "a.docx"])
@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (make.png(), "image/png"),
        (make.apng(), "image/png"),
        (make.jpeg(), "image/jpeg"),
        (make.gif(), "image/gif"),
        (make.webp(), "image/webp"),
        (make.webp(b"VP8L"), "image/webp"),
        (make.webp(b"VP8 "), "image/webp"),
        (make.pdf(), "application/pdf"),
        (b"\xef\xbb\xbf\n" + make.pdf(), "application/pdf"),
        (make.docx(), media.DOCX),
        (make.xlsx(), media.XLSX),
    ],
)
def test_the_type_is_told_by_the_bytes(data: bytes, kind: str, name: str, folder: Path) -> None:
    found = attached(folder, data, name)
    assert (found.name, found.media_type, found.data) == (name, kind, data)


@pytest.mark.parametrize("name", ["a.csv", "a.md", "a.png", "a.pdf", "a.docx", "Makefile"])
def test_text_is_text_by_any_name(name: str, folder: Path) -> None:
    assert attached(folder, b"id;name\n", name).media_type == "text/plain"


@pytest.mark.parametrize(
    "text", ["GIFTS for all", "MZ is a name", "BM 25", "%PDF is a format", "{\\rtf1", "ID3 tags"]
)
def test_text_that_begins_like_another_type_is_text(text: str, folder: Path) -> None:
    assert attached(folder, text.encode()).media_type == "text/plain"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_text_is_read_by_its_byte_order_mark(encoding: str, folder: Path) -> None:
    text = "né 你好 🦜\n\x1b[1mbold\x1b[0m\n"
    found = attached(folder, text.encode(encoding))
    assert (found.media_type, found.data.decode("utf-8")) == ("text/plain", text)


@pytest.mark.parametrize("mark", [b"\xfe\xff", b"\0\0\xfe\xff"])
def test_big_endian_text(mark: bytes, folder: Path) -> None:
    encoding = "utf-16-be" if len(mark) == 2 else "utf-32-be"
    assert attached(folder, mark + "né".encode(encoding)).data.decode() == "né"


@pytest.mark.parametrize(
    ("data", "said", "hint"),
    [
        (b"", "is empty", None),
        (b" \n\t", "is blank", None),
        (b"\xef\xbb\xbf", "is blank", None),
        (b"caf\xe9", "is not UTF-8 text (byte 3)", "iconv -f LATIN1"),
        ("日本".encode("shift-jis"), "is not UTF-8 text (byte 0)", "iconv"),
        (b"a\0b", "is of no type that Bedrock takes", "Bedrock takes PDF, PNG"),
        (b"\xff\xfea\xd8b\0", "is of no type that Bedrock takes", "Bedrock takes PDF"),
        (bytes(range(256)), "is of no type that Bedrock takes", "Bedrock takes PDF"),
        (b"\xff\xfb\x90\0ID3", "is audio/mpeg, which Bedrock does not take", "Bedrock takes PDF"),
        (b"HTTP/1.1 200\n\n" + make.pdf(), "is not UTF-8 text", "`:application/pdf` behind its"),
        (b"\0\n" + make.pdf(), "is not UTF-8 text", "`:application/pdf` behind its name"),
        (make.zipped("a.txt"), "is application/zip, which", "Bedrock takes PDF"),
        (make.zipped("word/document.xml"), "is damaged, or no docx", None),
        (make.docx()[:-30], "is damaged, or no docx", None),
        (make.png()[:20], "is damaged, or no image/png", None),
        (make.png(0, 7), "is damaged, or no image/png", None),
        (make.jpeg()[:25], "is damaged, or no image/jpeg", None),
        (b"\xff\xd8\xff\xda\0\0", "is damaged, or no image/jpeg", None),
        (make.gif()[:8] + b"\xff", "is damaged, or no image/gif", None),
        (make.webp()[:28], "is damaged, or no image/webp", None),
        (make.pdf(0), "is a PDF without pages", None),
        (make.pdf()[:200], "is a damaged PDF, or none", "qpdf"),
        (b"%PDF-1.7\n", "is a damaged PDF, or none", "qpdf"),
        (make.pdf(encrypt="RC4-128"), "is encrypted", "qpdf --decrypt"),
        (make.pdf(encrypt="AES-256"), "is encrypted", "qpdf --decrypt"),
    ],
)
def test_what_cannot_be_read_is_told_apart(
    data: bytes, said: str, hint: str | None, folder: Path
) -> None:
    with pytest.raises(CliError) as caught:
        attached(folder, data)
    assert str(folder / "file") in caught.value.message
    assert said in caught.value.message
    assert (hint is None) == (caught.value.hint is None)
    assert (hint or "") in (caught.value.hint or "")


@pytest.mark.parametrize("way", ["AES-128", "AES-256"])
def test_an_encrypted_pdf_is_told_without_a_library_for_it(way: str, folder: Path) -> None:
    """pypdf alone cannot even look for an empty password, and says so at once."""
    path = folder / way
    path.write_bytes(make.pdf(encrypt=way))
    script = (
        "import sys; sys.modules['cryptography'] = sys.modules['Crypto'] = None\n"
        "from bedrock_claude_cli.bedrock import attachments\n"
        "try: attachments.read(sys.argv[1], bytes)\n"
        "except Exception as error: print(error.message)"
    )
    argv = [sys.executable, "-c", script, str(path)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert done.stdout == f"{path} is encrypted, and Bedrock reads no encrypted PDF\n"
    assert done.stderr == ""


@pytest.mark.parametrize("pages", [1, 3, 101])
def test_pages_are_counted(pages: int, folder: Path) -> None:
    assert attached(folder, make.pdf(pages)).pages == pages


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (make.png(8000, 1), "image/png"),
        (make.gif(8000, 1), "image/gif"),
        (make.jpeg(8000, 1), "image/jpeg"),
        (make.jpeg(8000, 1, before=b"\xff\xff\xff\xe1\0\4ab\xff\x01"), "image/jpeg"),
        (make.jpeg(8000, 1, before=b"\xff\xc4\0\4\0\0"), "image/jpeg"),
        (make.webp(b"VP8 ", 8000, 1), "image/webp"),
        (make.webp(b"VP8L", 8000, 1), "image/webp"),
        (make.webp(b"VP8X", 8000, 1), "image/webp"),
    ],
)
def test_pixels_are_read_from_the_header(data: bytes, kind: str) -> None:
    assert media.pixels(data, kind) == (8000, 1)


@pytest.mark.parametrize("wide, high", [(1, 70_000), (70_000, 1)])
def test_both_sides_of_an_extended_webp(wide: int, high: int) -> None:
    assert media.pixels(make.webp(b"VP8X", wide, high), "image/webp") == (wide, high)


@pytest.mark.parametrize(
    ("kind", "data", "found"),
    [
        (":text/csv", b"a,b", "text/csv"),
        (":Text/X-Python", b"a", "text/x-python"),
        (":application/json", b"{}", "text/plain"),
        (":text/plain", make.pdf().replace(b"\xe2\xe3\xcf\xd3", b"plain"), "text/plain"),
        (":image/jpg", make.jpeg(), "image/jpeg"),
        (":application/pdf", b"mail header\n" + make.pdf(), "application/pdf"),
    ],
)
def test_a_type_may_be_forced(kind: str, data: bytes, found: str, folder: Path) -> None:
    made = attached(folder, data, "forced.txt", kind)
    assert (made.name, made.media_type) == ("forced.txt", found)


@pytest.mark.parametrize(
    ("kind", "data", "said"),
    [
        (":image/png", make.jpeg(), "is damaged, or no image/png"),
        (":image/jpeg", b"text", "is damaged, or no image/jpeg"),
        (":application/pdf", b"text", "is a damaged PDF, or none"),
        (":text/plain", make.png(), "is not UTF-8 text (byte 0)"),
        (":text/plain", b"a\0b", "is no text (character 1 is NUL)"),
        (f":{media.DOCX}", make.xlsx(), "is damaged, or no docx"),
        (":audio/mpeg", b"x", "Bedrock takes nothing as audio/mpeg"),
        (":application/zip", b"x", "Bedrock takes nothing as application/zip"),
    ],
)
def test_a_forced_type_has_to_fit(kind: str, data: bytes, said: str, folder: Path) -> None:
    with pytest.raises(CliError, match=re.escape(said)):
        attached(folder, data, "forced", kind)


STARTS = [
    b"", b"%PDF-1.7\n", b"PK\x03\x04", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"\xff\xd8\xff", b"GIF89a",
    b"RIFF\0\0\0\0WEBPVP8X", b"RIFF\0\0\0\0WEBPVP8L", b"RIFF\0\0\0\0WEBPVP8 ", b"\xff\xfe",
    b"\xef\xbb\xbf", b"\0\0\xfe\xff", make.pdf()[:300], make.docx()[:80],
]  # fmt: skip
KINDS = ["", ":application/pdf", ":text/plain", f":{media.XLSX}", *(f":{i}" for i in media.IMAGES)]


@given(st.sampled_from(STARTS), st.binary(max_size=400), st.sampled_from(KINDS))
@settings(max_examples=300)
def test_no_bytes_crash_it(start: bytes, rest: bytes, kind: str) -> None:
    data = start + rest
    try:
        found = attachments.read(f"-{kind}", lambda: data)
    except CliError as error:
        assert error.message.startswith("standard input ")
    else:
        assert found.name == "stdin"
        assert found.media_type == kind[1:] or not kind
        if found.media_type.startswith("text/"):
            assert found.data.decode().strip()
        else:
            assert found.data == data


@given(st.data())
@settings(max_examples=100)
def test_no_damage_to_a_file_crashes_it(data: st.DataObject) -> None:
    samples = [make.pdf(2), make.docx(), make.png(), make.jpeg(), make.webp(), make.gif()]
    whole = bytearray(data.draw(st.sampled_from(samples)))
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(whole[: data.draw(st.integers(1, len(whole)))])
    try:
        attachments.read("-", lambda: cut)
    except CliError as error:
        assert "standard input" in error.message


@given(st.text(min_size=1).filter(lambda text: text.strip() and "\0" not in text))
def test_text_arrives_as_it_was(text: str) -> None:
    found = attachments.read("-:text/plain", text.encode)
    assert found.data.decode() == text.removeprefix("\ufeff")


@given(st.text(st.characters(codec="utf-8"), max_size=50))
def test_no_path_crashes_it(path: str) -> None:
    if path.startswith("-") or Path(path.split("\0")[0]).exists():
        return
    with pytest.raises(CliError):
        attachments.read(path, nothing)


def test_a_path_that_no_system_takes_is_told() -> None:
    with pytest.raises(CliError, match="too long"):
        attachments.read("x" * 5000, nothing)
