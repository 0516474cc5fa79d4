"""JSON of requests, seeds and lines: whole text only, since half of a surrogate pair can neither be stored nor answered."""

import json
from typing import Any


def read_json(text: str | bytes) -> Any:
    """What a text of JSON says.

    Raises:
        ValueError: it is no JSON, or a string of it is no text.
    """
    found = json.loads(text)
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if b"\\u" in data:
        try:
            json.dumps(found, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ValueError("a string has half of a surrogate pair, which is no text") from None
    return found
