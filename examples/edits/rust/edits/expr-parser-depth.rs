impl Parser {
    // ... existing code ...

    fn unary(&mut self) -> Result<Expr> {
        let op = match self.peek() {
            Some(TokenKind::Minus) => UnaryOp::Negate,
            Some(TokenKind::Bang) => UnaryOp::Not,
            _ => return self.primary(),
        };
        let token = self.next().ok_or(Error::UnexpectedEnd)?;
        self.enter(token.span)?;
        let inner = self.unary()?;
        self.depth -= 1;
        Ok(Expr::Unary(op, Box::new(inner)))
    }

    // ... existing code ...

    fn arguments(&mut self) -> Result<Vec<Expr>> {
        let mut args = Vec::new();
        while !self.eat(&TokenKind::Close) {
            if !args.is_empty() {
                self.expect(&TokenKind::Comma)?;
            }
            args.push(self.expression(0)?);
        }
        Ok(args)
    }

    fn enter(&mut self, span: Span) -> Result<()> {
        if self.depth == MAX_DEPTH {
            return Err(Error::TooDeep { span });
        }
        self.depth += 1;
        Ok(())
    }
}
