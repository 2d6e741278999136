"""The example booster `count` in Python: bytes, lines and words of a text."""

import json

from componentize_py_types import Err
from wit_world import WitWorld as Booster


def count(text: str) -> dict[str, int]:
    """Measures a text as the other examples do."""
    lines = text.count("\n") + (0 if text == "" or text.endswith("\n") else 1)
    words = text.replace("\t", " ").replace("\n", " ").replace("\r", " ").split(" ")
    return {"bytes": len(text.encode()), "lines": lines, "words": sum(1 for word in words if word)}


def text_of(request: str) -> str | None:
    """The text of a request, or nothing."""
    try:
        fields = json.loads(request)
    except ValueError:
        return None
    text = fields.get("text") if isinstance(fields, dict) else None
    return text if isinstance(text, str) else None


class WitWorld(Booster):
    """What the component exports."""

    def apply(self, input: str) -> str:
        text = text_of(input)
        if text is None:
            message = "expected an object with a string `text`"
            raise Err(json.dumps({"success": False, "reason": "invalid_input", "message": message}))
        return json.dumps(count(text))
