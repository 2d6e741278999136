"""Tokenizer for the calculator's little expression language."""

from dataclasses import dataclass

SYMBOLS = {
    "+": "PLUS",
    "-": "MINUS",
    "*": "STAR",
    "/": "SLASH",
    "(": "LPAREN",
    ")": "RPAREN",
    ",": "COMMA",
}

KEYWORDS = {"let", "in", "if", "then", "else"}


@dataclass(frozen=True)
class Token:
    kind: str
    text: str
    position: int

    def __str__(self):
        return f"{self.kind}({self.text})"


class TokenError(ValueError):
    """A character the language does not know."""

    def __init__(self, char, position):
        super().__init__(f"unexpected {char!r} at {position}")
        self.char = char
        self.position = position


class Tokenizer:
    """Walks over the text once, left to right."""

    def __init__(self, text):
        self._text = text
        self._pos = 0

    # -- looking at the text ------------------------------------------

    def _peek(self, ahead=0):
        index = self._pos + ahead
        return self._text[index] if index < len(self._text) else ""

    def _take_while(self, test):
        start = self._pos
        while self._peek() and test(self._peek()):
            self._pos += 1
        return self._text[start:self._pos]

    # -- the tokens themselves ----------------------------------------

    def _number(self):
        start = self._pos
        digits = self._take_while(str.isdigit)
        if self._peek() == ".":
            self._pos += 1
            digits += "." + self._take_while(str.isdigit)
        return Token("NUMBER", digits, start)

    def _word(self):
        start = self._pos
        text = self._take_while(lambda ch: ch.isalnum() or ch == "_")
        kind = "KEYWORD" if text in KEYWORDS else "NAME"
        return Token(kind, text, start)

    def _symbol(self):
        start = self._pos
        for length in (2, 1):
            text = self._text[start:start + length]
            if text in SYMBOLS:
                self._pos += len(text)
                return Token(SYMBOLS[text], text, start)
        raise TokenError(self._peek(), start)

    def tokens(self):
        """Yield every token, then one END token."""
        while True:
            self._take_while(str.isspace)
            char = self._peek()
            if not char:
                yield Token("END", "", self._pos)
                return
            if char.isdigit():
                yield self._number()
            elif char.isalpha() or char == "_":
                yield self._word()
            else:
                yield self._symbol()


def tokenize(text):
    return list(Tokenizer(text).tokens())


def untokenize(tokens):
    """Text with one blank between tokens; positions are not kept."""
    return " ".join(token.text for token in tokens if token.kind != "END")
