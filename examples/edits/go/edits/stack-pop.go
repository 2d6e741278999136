// Pop takes the newest item off the stack and forgets it, so that the
// garbage collector can have it.
func (s *Stack[T]) Pop() (T, error) {
	var zero T
	if len(s.items) == 0 {
		return zero, ErrEmpty
	}
	last := len(s.items) - 1
	item := s.items[last]
	s.items[last] = zero
	s.items = s.items[:last]
	return item, nil
}
