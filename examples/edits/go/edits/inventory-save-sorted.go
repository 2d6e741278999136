func (w *Warehouse) Save(out io.Writer) error {
	w.mu.RLock()
	defer w.mu.RUnlock()

	// ... existing code ...
	for sku, r := range w.records {
		// ... existing code ...
	}
	slices.SortFunc(s.Articles, func(a, b Article) int {
		return cmp.Compare(a.SKU, b.SKU)
	})
	return json.NewEncoder(out).Encode(s)
}
