// ... existing code ...

func length(values []Value) (Value, error) {
	if len(values) != 1 {
		return nil, ErrArgs
	}
	return float64(utf8.RuneCountInString(toText(values[0]))), nil
}

// ... unchanged ...

// invalidate forgets all results.
func (s *Sheet) invalidate() {
	s.evals = 0
	for _, c := range s.grid {
		if c.formula != nil {
			c.state = stale
			c.value, c.err = nil, nil
		}
	}
}

// ... unchanged ...

// Text is what a cell shows on the screen.
func (s *Sheet) Text(ref Ref) string {
	v, err := s.cell(ref)
	switch {
	case errors.Is(err, ErrCycle):
		return ErrCycle.Error()
	case err != nil:
		return err.Error()
	}
	return toText(v)
}

// ... rest of the file ...
