func (m *Matrix) Det() (float64, error) {
	// ... existing code ...
	det := 1.0
	for col := 0; col < work.cols; col++ {
		best := work.pivot(col, col)
		if math.Abs(work.At(best, col)) < 1e-12 {
			return 0, nil
		}
		// ... existing code ...
	}
	return det, nil
}
