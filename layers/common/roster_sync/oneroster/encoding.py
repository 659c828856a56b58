"""The text of an answer, in whatever encoding it came."""

import codecs
import json
import re
from typing import Final

_Utf8Decoder: Final = codecs.getincrementaldecoder("utf-8")
_PIECE_BYTES: Final = 1 << 15
_DECLARED: Final = re.compile(r"charset\s*=\s*[\"']?([\w.:-]{1,30})", re.IGNORECASE)
_SINGLE_BYTE: Final = re.compile(r"iso8859-\d+|cp125\d|koi8-[ru]|mac-roman")
"""Of Python's names of codecs, those that may be declared; others are either found out or not text."""


def as_utf8(body: bytes, content_type: str = "") -> bytes:
    """The body's text in UTF-8, without byte order mark; never raises.

    What is UTF-8 is taken for it, whatever is declared: many declare what their web server was once set up with. UTF-16
    and UTF-32 are known by their mark or their zero bytes. Else it is what is declared; if nothing is, each byte that
    is no UTF-8 is one of Windows-1252, so that one name in another encoding leaves its neighbours as they are.
    """
    encoding = json.detect_encoding(body[:4])
    if encoding not in ("utf-8", "utf-8-sig"):
        return body.decode(encoding, errors="replace").encode()
    body = body.removeprefix(codecs.BOM_UTF8)
    if body.isascii() or _is_utf8(body):
        return body
    return _decoded(body, content_type).encode()


def _is_utf8(body: bytes) -> bool:
    decoder, view = _Utf8Decoder(), memoryview(body)
    try:
        # Piece by piece: a text of the whole body is memory to be had and given back, at three times the cost.
        for start in range(0, len(body), _PIECE_BYTES):
            decoder.decode(view[start : start + _PIECE_BYTES])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _decoded(body: bytes, content_type: str) -> str:
    declared = _DECLARED.search(content_type)
    try:
        name = codecs.lookup(declared[1]).name if declared else ""
        if _SINGLE_BYTE.fullmatch(name):
            # What is declared as Latin-1 is Windows-1252 (WHATWG Encoding §4.2).
            return body.decode("cp1252" if name == "iso8859-1" else name)
    except (LookupError, UnicodeDecodeError):
        pass
    return body.decode(errors=_WINDOWS_1252)


def _windows_1252(error: UnicodeError) -> tuple[str, int]:
    """Bytes that are no UTF-8, read as Windows-1252, else as Latin-1, which knows every byte."""
    assert isinstance(error, UnicodeDecodeError)  # noqa: S101 - registered for decoding only
    wrong = error.object[error.start : error.end]
    try:
        return wrong.decode("cp1252"), error.end
    except UnicodeDecodeError:
        return wrong.decode("latin-1"), error.end


_WINDOWS_1252: Final = "roster_sync.windows_1252"
codecs.register_error(_WINDOWS_1252, _windows_1252)
