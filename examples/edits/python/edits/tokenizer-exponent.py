    def _number(self):
        start = self._pos
        digits = self._take_while(str.isdigit)
        if self._peek() == ".":
            self._pos += 1
            digits += "." + self._take_while(str.isdigit)
        if self._peek() in ("e", "E"):
            self._pos += 1
            digits += "e" + self._take_while(str.isdigit)
        return Token("NUMBER", digits, start)
