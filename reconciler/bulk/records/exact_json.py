"""JSON text -> values, with nothing changed on the way: the one decoder for rows, JSON cells and JSON columns. Pure.

Fractions stay text (msgspec.Raw), so that they keep their digits. What cannot be passed on whole is refused with a BadLine:
a key that stands twice with two values, nesting past MAX_DEPTH, a number that no reader of JSON holds.
"""

import json
import math
import re
from collections.abc import Callable, Container
from typing import Any

import msgspec

from reconciler.bulk.records.lines import BadLine, reason_of

MAX_DEPTH = 100  # levels of lists and objects; a fixed number, so that every process decides the same
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_NO_BRACKET = bytes(sorted(set(range(256)) - set(b"[{]}")))
MAX_DIGITS = 4_300  # characters of a number: what Python converts to an integer
_BEFORE_COLON = (b" :", b"\t:", b"\r:", b"\n:")
_APART = re.compile(rb'"[ \t\r\n]+:')
_ONE_BRACKET, _NO_MARK = bytes.maketrans(b"{", b"["), bytes(sorted(set(range(256)) - set(b"[{\n")))
_ALWAYS_FINITE = 300  # so many characters without an exponent cannot leave the range of a double


class OutOfRange(ValueError):
    """A number that would arrive as another one, or as none."""


def number(text: str) -> msgspec.Raw:
    """A number of JSON with all of its digits.

    Raises:
        OutOfRange: it is too long, or its exponent makes it infinite or zero for whoever reads it.
    """
    if len(text) > _ALWAYS_FINITE or "e" in text or "E" in text:
        _require_readable(text)
    return msgspec.Raw(b"0" if text == "-0" else text.encode())


def _require_readable(text: str) -> None:
    if len(text) > MAX_DIGITS:
        raise OutOfRange(f"a number of more than {MAX_DIGITS:,} characters")
    mantissa, exponent, _ = text.lower().partition("e")
    if not exponent:
        return
    value = float(text)
    if math.isinf(value) or (value == 0 and mantissa.strip("-0.")):
        raise OutOfRange("a number with an exponent out of range")


read = msgspec.json.Decoder(float_hook=lambda text: msgspec.Raw(text.encode())).decode
"""Decode what `decode` let pass before, without asking again."""

_decode = msgspec.json.Decoder(float_hook=number).decode
_decode_loosely = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def decode(text: bytes) -> Any:
    """The value of a JSON text.

    Raises:
        BadLine: it is not JSON, or cannot be passed on whole; without a column.
    """
    try:
        if not text.isascii():
            text.decode()
        value = _decode(text)
    except UnicodeDecodeError:
        raise BadLine("line-encoding", "the line is not UTF-8") from None
    except RecursionError:
        raise too_deep() from None
    except msgspec.ValidationError:  # an integer, or what `number` refuses
        raise BadLine("line-json", "a number is out of range") from None
    except msgspec.DecodeError as e:
        require_shallow(text, MAX_DEPTH)
        raise BadLine("line-json", reason_of(e)) from None
    written = text.count(b'":')
    if type(value) is dict and len(value) == written == text.count(b":") and b"[" not in text:
        return value  # as many colons as keys: nothing is nested, no key is repeated
    require_shallow(text, MAX_DEPTH)
    if _may_repeat_a_key(text, value):
        refuse_duplicate_keys(text)
    return value


def decoder(lines: bytes) -> Callable[[bytes], Any]:
    """The function that decodes each of some lines: `decode`, or one that gives the same and asks less, where it can.

    The values may differ in how a fraction is held: as a float, where a float is written as it was read.
    """
    if b"[" * (MAX_DEPTH + 1) in openings(lines):
        return decode
    if _compact(lines[: lines.find(b"\n")].removesuffix(b"\r")) is not None:
        return _decode_compact
    try:
        if not lines.isascii():
            lines.decode()
    except UnicodeDecodeError:
        return decode
    apart = lines.count(b'":') != lines.count(b":") and _APART.search(lines)
    return decode if apart else _decode_good


def _compact(text: bytes) -> Any:
    """The value of a shallow text that is written as it would be sent, so that nothing was lost; None where it is not."""
    try:
        value = _decode_loosely(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return value if _encode(value) == text else None


def _decode_compact(text: bytes) -> Any:
    """`decode`, of a shallow text that is likely to be written as it would be sent."""
    value = _compact(text)
    return decode(text) if value is None else value


def _decode_good(text: bytes) -> Any:
    """`decode`, of a text that is UTF-8 and shallow, and has each colon right behind its key."""
    try:
        value = _decode(text)
    except msgspec.DecodeError:
        return decode(text)
    if type(value) is not dict:
        return decode(text)
    if text.count(b'":') != _keys(value):
        refuse_duplicate_keys(text)
    return value


def openings(lines: bytes) -> bytes:
    """Of some lines, a `[` for each list or object that begins (in texts, too), and the ends of the lines."""
    return lines.translate(_ONE_BRACKET, _NO_MARK)


def refuse_repeated_keys(text: bytes) -> None:
    """The same as `refuse_duplicate_keys`, of a shallow JSON text in which that is not likely.

    Raises:
        BadLine: a key has two values.
    """
    try:
        value = _decode_loosely(text)
    except msgspec.ValidationError:  # a number out of the range of the decoder, which may be sent
        refuse_duplicate_keys(text)
        return
    if _may_repeat_a_key(text, value):
        refuse_duplicate_keys(text)


def refuse_duplicate_keys(text: bytes) -> None:
    """A key may stand twice only with one value.

    Raises:
        BadLine: it has two; or it is not JSON.
    """

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        refuse_two_values(items)
        return dict(items)

    _loaded(text, pairs)


def refuse_two_values(items: list[tuple[str, Any]], names: Container[str] | None = None) -> None:
    """Of the keys and values of an object: a key, of these names if some are given, may stand twice only with one value.

    Raises:
        BadLine: it has two.
    """
    made = dict(items)
    if len(made) != len(items) and any(
        made[k] != v or type(made[k]) is not type(v) for k, v in items if names is None or k in names
    ):
        raise BadLine("line-duplicate-key", "a key occurs twice in one object, with two values")


class Pairs(list[tuple[str, Any]]):
    """An object as its keys and values, in order; a key may stand twice."""


def pairs_of(text: bytes) -> Any:
    """The value of a JSON text, objects as `Pairs`, numbers as something that equals only a number of the same text.

    Raises:
        BadLine: it is not JSON.
    """
    return _loaded(text, Pairs)


def _loaded(text: bytes, pairs: Callable[[list[tuple[str, Any]]], Any]) -> Any:
    def digits(number: str) -> tuple[str]:  # never equal to a text
        return (number,)

    try:
        return json.loads(text, object_pairs_hook=pairs, parse_int=digits, parse_float=digits)
    except RecursionError:
        raise too_deep() from None
    except ValueError:
        raise BadLine("line-json", "the JSON is malformed") from None


def _may_repeat_a_key(text: bytes, value: Any) -> bool:
    """Whether more keys may be written than were decoded: each is followed by a colon, as may be text within strings."""
    written = text.count(b'":')
    if text.count(b":") != written and any(blank in text for blank in _BEFORE_COLON):
        return True
    if type(value) is dict:
        return len(value) != written and _keys(value) != written
    return (_keys_in_list(value) if type(value) is list else 0) != written


def _keys(value: dict[str, Any]) -> int:
    total = len(value)
    for inner in value.values():
        kind = type(inner)
        if kind is dict:
            total += _keys(inner)
        elif kind is list and inner:
            total += _keys_in_list(inner)
    return total


def _keys_in_list(values: list[Any]) -> int:
    total = 0
    for inner in values:
        kind = type(inner)
        if kind is dict:
            total += _keys(inner)
        elif kind is list:
            total += _keys_in_list(inner)
    return total


def require_shallow(text: bytes, levels: int) -> None:
    """Lists and objects within each other, so many levels at most. Asked of the text, as a decoder's limit varies with its caller.

    Raises:
        BadLine: there are more.
    """
    if text.count(b"[") + text.count(b"{") <= levels:
        return
    depth = 0
    for bracket in _STRING.sub(b"", text).translate(None, _NO_BRACKET):
        depth += 1 if bracket in b"[{" else -1
        if depth > levels:
            raise too_deep()


def too_deep() -> BadLine:
    """Lists and objects within each other, past what is passed on."""
    return BadLine("line-json", f"JSON is nested deeper than {MAX_DEPTH} levels")
