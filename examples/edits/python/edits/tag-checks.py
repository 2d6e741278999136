class Parser:
    # ... existing methods ...

    def _tag_if(self, words):
        if not words:
            raise TemplateSyntaxError("if needs a condition", self._line)
        condition = parse_expression(" ".join(words), self._line)
        yes, end = self._sequence(("else", "endif"))
        no = Sequence([])
        if end == "else":
            no, _ = self._sequence(("endif",))
        return If(condition, yes, no)

    # ... _tag_for and _tag_block unchanged ...

    def _tag_extends(self, words):
        if self.parent is not None:
            raise TemplateSyntaxError("extends twice", self._line)
        if len(words) != 1:
            raise TemplateSyntaxError("extends needs one name", self._line)
        self.parent = words[0].strip("\"'")
        return None
