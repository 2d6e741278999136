// Split cuts a line into its fields.
func (d Dialect) Split(line string) ([]string, error) {
	s := &scanner{dialect: d, runes: []rune(line)}
	fields := make([]string, 0, 8)
	for {
		if !s.done() && s.runes[s.pos] == d.Quote {
			field, err := s.quoted()
			if err != nil {
				return nil, fmt.Errorf("field %d: %w", len(fiel
