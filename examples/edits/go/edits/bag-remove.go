// ... existing code ...

// Count tells how many copies of item the bag holds.
func (b *Bag[T]) Count(item T) int {
	return b.counts[item]
}

// Remove takes all copies of item out of the bag.
func (b *Bag[T]) Remove(item T) {
	b.total -= b.counts[item]
	delete(b.counts, item)
}

// ... existing code ...
