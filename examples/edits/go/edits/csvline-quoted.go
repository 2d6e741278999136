/* ... existing code ... */

func (s *scanner) quoted() (string, error) {
	var field strings.Builder
	opening := s.pos
	s.next() // the opening quote
	for !s.done() {
		r := s.next()
		if r != s.dialect.Quote {
			field.WriteRune(r)
			continue
		}
		if s.done() || s.runes[s.pos] != s.dialect.Quote {
			return field.String(), nil
		}
		field.WriteRune(s.next())
	}
	s.pos = opening
	return "", s.fail("missing closing quote")
}

/* ... existing code ... */
