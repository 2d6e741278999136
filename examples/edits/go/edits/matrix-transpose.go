// ... existing code ...

func (m *Matrix) clone() *Matrix {
	c := Zero(m.rows, m.cols)
	copy(c.data, m.data)
	return c
}

// Transpose swaps rows and columns.
func (m *Matrix) Transpose() *Matrix {
	t := Zero(m.cols, m.rows)
	for i := 0; i < m.rows; i++ {
		for j := 0; j < m.cols; j++ {
			t.Set(j, i, m.At(i, j))
		}
	}
	return t
}

// ... rest of the file unchanged ...
