func (e negation) eval(s scope) (Value, error) {
	v, err := e.inner.eval(s)
	if err != nil {
		return nil, err
	}
	n, err := toNumber(v)
	if err != nil {
		return nil, fmt.Errorf("minus: %w", err)
	}
	return -n, nil
}
