func (p *parser) expression(floor int) (expr, error) {
	left, err := p.unary()
	if err != nil {
		return nil, err
	}
	for {
		t := p.peek()
		if t.kind != tokenOperator {
			return left, nil
		}
		level, ok := precedence[t.text]
		if !ok || level <= floor {
			return left, nil
		}
		p.next()
		// ... existing code ...
	}
}
