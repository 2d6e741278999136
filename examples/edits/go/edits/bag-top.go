func Top[T comparable](b *Bag[T], n int) []T {
	if n <= 0 {
		return nil
	}
	items := make([]T, 0, len(b.counts))
	for item := range b.counts {
		items = append(items, item)
	}
	sort.Slice(items, func(i, j int) bool {
		return b.counts[items[i]] > b.counts[items[j]]
	})
	return items[:min(n, len(items))]
}
