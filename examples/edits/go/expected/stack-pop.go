package stack

import "errors"

// ErrEmpty is returned by Pop and Peek.
var ErrEmpty = errors.New("stack: empty")

// Stack is last in, first out. The zero value is ready to use.
type Stack[T any] struct {
	items []T
}

func (s *Stack[T]) Push(item T) {
	s.items = append(s.items, item)
}

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

// Peek looks at the newest item and leaves it there.
func (s *Stack[T]) Peek() (T, error) {
	var zero T
	if len(s.items) == 0 {
		return zero, ErrEmpty
	}
	return s.items[len(s.items)-1], nil
}
