    def render(self, scope, blocks):
        items = list(self.expression.evaluate(scope))
        pieces = []
        for index, item in enumerate(items):
            loop = {
                "index": index + 1,
                "first": index == 0,
                "last": index == len(items) - 1,
                "length": len(items),
            }
            scope.push(**{self.name: item, "loop": loop})
            try:
                pieces.append(self.body.render(scope, blocks))
            finally:
                scope.pop()
        return "".join(pieces)
