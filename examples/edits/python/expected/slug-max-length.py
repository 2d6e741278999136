"""Turn article titles into URL slugs."""

import re
import unicodedata

_SEPARATORS = re.compile(r"[\s_/]+")
_FORBIDDEN = re.compile(r"[^a-z0-9-]")


def strip_accents(text):
    """Replace accented letters by their base letter: 'é' becomes 'e'."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(ch for ch in decomposed if not unicodedata.combining(ch))


def slugify(title, max_length=60):
    """Make a slug of a title, cut at a dash when it gets too long.

    >>> slugify("Crème brûlée, für alle!")
    'creme-brulee-fur-alle'
    """
    text = strip_accents(title).lower()
    text = _SEPARATORS.sub("-", text)
    text = _FORBIDDEN.sub("", text).strip("-")
    if len(text) > max_length:
        text = text[: max_length + 1].rpartition("-")[0] or text[:max_length]
    return text


def unique_slug(title, taken):
    """Append -2, -3, ... until the slug is not in `taken`."""
    base = slugify(title)
    slug, n = base, 2
    while slug in taken:
        slug = f"{base}-{n}"
        n += 1
    return slug
