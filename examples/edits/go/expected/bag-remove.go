// Package bag counts things.
package bag

import "sort"

// Bag is a set that remembers how often each member was added.
type Bag[T comparable] struct {
	counts map[T]int
	total  int
}

// New returns an empty bag.
func New[T comparable]() *Bag[T] {
	return &Bag[T]{counts: make(map[T]int)}
}

// Add puts n copies of item into the bag.
func (b *Bag[T]) Add(item T, n int) {
	b.counts[item] += n
	b.total += n
}

// Count tells how many copies of item the bag holds.
func (b *Bag[T]) Count(item T) int {
	return b.counts[item]
}

// Remove takes all copies of item out of the bag.
func (b *Bag[T]) Remove(item T) {
	b.total -= b.counts[item]
	delete(b.counts, item)
}

// Len is the number of all copies.
func (b *Bag[T]) Len() int {
	return b.total
}

// Top returns the n most frequent members, most frequent first.
func Top[T comparable](b *Bag[T], n int) []T {
	items := make([]T, 0, len(b.counts))
	for item := range b.counts {
		items = append(items, item)
	}
	sort.Slice(items, func(i, j int) bool {
		return b.counts[items[i]] > b.counts[items[j]]
	})
	if len(items) > n {
		items = items[:n]
	}
	return items
}
