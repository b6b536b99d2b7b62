"""Documents: their tokens, their citations, and what is refused of them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.asking import PDF, SCHEMA, asks, converse, invoke, pdf, text
from tests.sandbox.conftest import GLOBAL, Start, body, boto
from tests.sandbox.test_refusals import WRAPPER, refused
from tests.sandbox.test_structured import converse_format, invoke_format

OPUS_4_6 = "global.anthropic.claude-opus-4-6-v1"
PAGE = {
    "type": "page_location",
    "cited_text": "The sandbox reads no PDF: page 1 of 3.",
    "document_index": 0,
    "document_title": "report.pdf",
    "file_id": None,
    "start_page_number": 1,
    "end_page_number": 2,
}


def file(kind: str, raw: bytes, name: str = "report", **more: Any) -> dict[str, Any]:
    """A document block of Converse."""
    return {"document": {"format": kind, "name": name, "source": {"bytes": raw}, **more}}


CITED: dict[str, Any] = {"citations": {"enabled": True}}


def turns(*blocks: dict[str, Any]) -> list[dict[str, Any]]:
    """Converse's messages of one turn: the blocks and a question."""
    return [{"role": "user", "content": [*blocks, {"text": "What is it?"}]}]


def test_a_cited_pdf_is_answered_with_pages(start: Start) -> None:
    start()
    assert invoke(messages=asks(pdf(cited=True))).citations == [PAGE]
    said = converse(messages=turns(file("pdf", PDF, **CITED)))
    assert said.citations == [
        {
            "title": "report",
            "sourceContent": [{"text": PAGE["cited_text"]}],
            "location": {"documentPage": {"documentIndex": 0, "start": 1, "end": 2}},
        }
    ]


def test_a_cited_text_is_answered_with_characters(start: Start) -> None:
    start()
    data = "Ünder the bridge"
    (said,) = invoke(messages=asks(text(data, cited=True))).citations
    assert (said["type"], said["cited_text"]) == ("char_location", data)
    assert data[said["start_char_index"] : said["end_char_index"]] == data
    (said,) = converse(messages=turns(file("txt", data.encode(), **CITED))).citations
    assert said["location"] == {"documentChar": {"documentIndex": 0, "start": 0, "end": 16}}


def test_each_document_is_cited_by_its_index(start: Start) -> None:
    start()
    blocks = [text("one", cited=True), pdf(cited=True), text("two", cited=True)]
    found = invoke(messages=asks(*blocks)).citations
    assert [(each["document_index"], each["type"][:4]) for each in found] == [
        (0, "char"),
        (1, "page"),
        (2, "char"),
    ]


def test_without_citations_there_are_none(start: Start) -> None:
    start()
    assert not invoke(messages=asks(pdf(cited=False))).citations
    assert not converse(messages=turns(file("pdf", PDF))).citations


def test_a_rule_gives_the_citations(start: Start) -> None:
    place = {**PAGE, "start_page_number": 4, "end_page_number": 6}
    start({"reply": {"text": "It is.", "citations": [place, place]}})
    said = invoke()
    assert (said.text, said.citations) == ("It is.", [place, place])
    assert converse().citations[1]["location"] == {
        "documentPage": {"documentIndex": 0, "start": 4, "end": 6}
    }


def test_a_pdf_is_seen_by_invoke_and_by_converse_only_with_citations(start: Start) -> None:
    """3 pages are about 7,000 tokens, and as bare text about 1,000."""
    start()
    seen = [
        invoke(messages=asks(pdf(cited=False))).usage["input_tokens"],
        invoke(messages=asks(pdf(cited=True))).usage["input_tokens"],
        converse(messages=turns(file("pdf", PDF, **CITED))).usage["inputTokens"],
    ]
    read = converse(messages=turns(file("pdf", PDF))).usage["inputTokens"]
    assert all(6_900 < count < 7_100 for count in seen)
    assert 950 < read < 1_050


def test_citations_and_a_schema_are_refused_together(start: Start) -> None:
    start()
    said = "output_config.format: citations are not compatible with structured outputs"
    runtime = boto("bedrock-runtime")
    asked = body(messages=asks(pdf(cited=True)), **invoke_format(SCHEMA))
    assert refused(runtime.invoke_model, modelId=GLOBAL, body=asked)[1:] == (400, said)
    arguments = {"messages": turns(file("pdf", PDF, **CITED)), **converse_format(SCHEMA)}
    assert refused(runtime.converse, modelId=GLOBAL, **arguments)[1:] == (400, WRAPPER + said)
    assert converse(messages=turns(file("pdf", PDF)), **converse_format(SCHEMA)).text


PAGES = b"%PDF-1.7\n" + b"<< /Type /Page >>\n" * 101


@pytest.mark.parametrize(
    ("block", "said"),
    [
        (pdf(cited=True, data=PAGES), "A maximum of 100 PDF pages may be provided."),
        (pdf(cited=True, data=b"hello"), "The PDF specified was not valid."),
        (pdf(cited=True, data=b""), "document.source.base64.data: PDF cannot be empty"),
        (text(" \n", cited=True), "text content blocks must contain non-whitespace text"),
        ({"type": "document"}, "document.source: Input tag 'None' found"),
        (
            {"type": "document", "source": {"type": "url", "url": "https://example.com"}},
            "document.source: Input tag 'url' found using 'type' does not match any of the "
            "expected tags: 'base64', 'content', 'text'",
        ),
        (
            {"type": "document", "source": {"type": "text", "media_type": "text/csv", "data": "a"}},
            "document.source.text.media_type: Input should be 'text/plain'",
        ),
        (
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/msword", "data": ""},
            },
            "document.source.base64.media_type: Input should be 'application/pdf'",
        ),
        (
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "%"},
            },
            "document.source.base64.data: Invalid base64 data",
        ),
        ({**text("a", cited=False), "title": 5}, "document.title: Input should be a valid string"),
        ({**text("a", cited=False), "citations": True}, "document.citations: Input should be"),
    ],
)
def test_documents_that_invoke_model_refuses(
    start: Start, block: dict[str, Any], said: str
) -> None:
    start()
    answer = refused(
        boto("bedrock-runtime").invoke_model, modelId=GLOBAL, body=body(messages=asks(block))
    )
    assert answer[:2] == ("ValidationException", 400)
    assert said in answer[2]


def test_a_long_context_takes_more_pages(start: Start) -> None:
    start()
    assert invoke(OPUS_4_6, messages=asks(pdf(cited=False, data=PAGES))).text


def test_all_documents_are_cited_or_none(start: Start) -> None:
    start()
    blocks = [pdf(cited=True), text("a", cited=False)]
    answer = refused(
        boto("bedrock-runtime").invoke_model, modelId=GLOBAL, body=body(messages=asks(*blocks))
    )
    assert "citations must be enabled for all documents" in answer[2]


def test_pages_in_compressed_objects_are_counted_by_their_tree(start: Start) -> None:
    start()
    block = pdf(cited=False, data=b"%PDF-1.7\n<< /Type /Pages /Count 12 >>")
    assert invoke(messages=asks(block)).usage["input_tokens"] > 12 * 2_300


@pytest.mark.parametrize("kind", ["docx", "xlsx", "csv", "md", "html", "txt", "doc", "xls"])
def test_converse_takes_every_format_of_its_own(start: Start, kind: str) -> None:
    start()
    assert converse(messages=turns(file(kind, b"PK\3\4 a,b"))).text


def test_converse_takes_text_and_chunks_for_a_source(start: Start) -> None:
    start()
    plain = {"document": {"name": "a", "source": {"text": "Some"}, **CITED}}
    parts = {"document": {"name": "b", "source": {"content": [{"text": "Part"}]}, **CITED}}
    found = converse(messages=turns(plain, parts)).citations
    assert [next(iter(each["location"])) for each in found] == ["documentChar", "documentChunk"]


def test_converse_refuses_a_format_that_is_none(start: Start) -> None:
    start()
    call = boto("bedrock-runtime").converse
    answer = refused(call, modelId=GLOBAL, messages=turns(file("rtf", b"x")))
    assert "Value 'rtf' at 'messages.0.content.0.document.format'" in answer[2]


def test_converse_wraps_the_refusal_of_a_pdf(start: Start) -> None:
    start()
    call = boto("bedrock-runtime").converse
    answer = refused(call, modelId=GLOBAL, messages=turns(file("pdf", b"x", **CITED)))
    assert answer[2] == WRAPPER + "The PDF specified was not valid."
