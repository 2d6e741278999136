// ... existing code ...

const (
	Receipt Kind = "receipt"
	// ... existing kinds ...
	Count   Kind = "count"
	Scrap   Kind = "scrap"
)

// ... existing code ...

// Recount sets a pile to what somebody really found there.
func (w *Warehouse) Recount(sku SKU, at Location, found int) (difference int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()

	r, err := w.find(sku)
	if err != nil {
		return 0, err
	}
	pile := r.pileAt(at)
	difference = found - pile.Count
	pile.Count = found
	if difference != 0 {
		w.note(Count, sku, at, difference, "recount")
	}
	r.dropEmpty()
	return difference, nil
}

// Discard throws a whole pile away and returns its size.
func (w *Warehouse) Discard(sku SKU, at Location, why string) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()

	r, err := w.find(sku)
	if err != nil {
		return 0, err
	}
	pile := r.pileAt(at)
	count := pile.Count
	pile.Count = 0
	if count != 0 {
		w.note(Scrap, sku, at, -count, why)
	}
	r.dropEmpty()
	return count, nil
}

// ... existing code ...
