"""Turn article titles into URL slugs."""

import re
import unicodedata

_SEPARATORS = re.compile(r"[\s_/]+")
_FORBIDDEN = re.compile(r"[^a-z0-9-]")


def strip_accents(text):
    """Replace accented letters by their base letter: 'é' becomes 'e'."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(ch for ch in decomposed if not unicodedata.combining(ch))


def slugify(title):
    """Make a slug of a title.

    >>> slugify("Crème brûlée, für alle!")
    'creme-brulee-fur-alle'
    """
    text = strip_accents(title).lower()
    text = _SEPARATORS.sub("-", text)
    text = _FORBIDDEN.sub("", text)
    return text.strip("-")


def unique_slug(title, taken):
    """Append -2, -3, ... until the slug is not in `taken`."""
    base = slugify(title)
    slug, n = base, 2
    while slug in taken:
        slug = f"{base}-{n}"
        n += 1
    return slug
