class Tokenizer:
    # ... existing code ...

    def _peek(self, ahead=0):
        index = self._pos + ahead
        return self._text[index] if index < len(self._text) else ""

    # ... existing code ...

    def _symbol(self):
        start = self._pos
        for length in (2, 1):
            text = self._text[start:start + length]
            if text in SYMBOLS:
                self._pos += len(text)
                return Token(SYMBOLS[text], text, start)
        raise TokenError(self._peek(), start)

    # ... existing code ...
