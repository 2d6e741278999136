func (d *Dock) Unload(truck *Truck) (pallets int, err error) {
	d.gate.Open()
	// ... existing code ...
	for _, pallet := range truck.Pallets {
		d.queue <- pallet
		pallets++
	}
	// ... existing code ...
	d.gate.Shut()
	return pallets, nil
}
