// cell implements scope. A cell that reads itself, directly or not, is an
// error that names the cell.
func (s *Sheet) cell(ref Ref) (Value, error) {
	c, ok := s.grid[ref]
	if !ok {
		return nil, nil
	}
	if c.formula == nil {
		return c.value, nil
	}
	switch c.state {
	case busy:
		return nil, fmt.Errorf("%w at %v", ErrCycle, ref)
	case stale:
		c.state = busy
		s.evals++
		c.value, c.err = c.formula.eval(s)
		c.state = fresh
	}
	return c.value, c.err
}
