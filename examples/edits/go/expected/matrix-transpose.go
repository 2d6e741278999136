package matrix

import (
	"errors"
	"fmt"
	"math"
	"strings"
)

var (
	// ErrShape is returned when sizes do not fit together.
	ErrShape = errors.New("matrix: shapes do not match")
	// ErrSingular is returned when there is no inverse.
	ErrSingular = errors.New("matrix: singular")
)

// Matrix is dense and row-major.
type Matrix struct {
	rows, cols int
	data       []float64
}

// Zero returns a matrix full of zeros.
func Zero(rows, cols int) *Matrix {
	return &Matrix{rows: rows, cols: cols, data: make([]float64, rows*cols)}
}

// Identity has ones on its diagonal.
func Identity(n int) *Matrix {
	m := Zero(n, n)
	for i := 0; i < n; i++ {
		m.Set(i, i, 1)
	}
	return m
}

// At returns the value in row i and column j.
func (m *Matrix) At(i, j int) float64 {
	return m.data[i*m.cols+j]
}

// Set changes the value in row i and column j.
func (m *Matrix) Set(i, j int, v float64) {
	m.data[i*m.cols+j] = v
}

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

// Add returns the sum of two matrices of the same shape.
func (m *Matrix) Add(o *Matrix) (*Matrix, error) {
	if m.rows != o.rows || m.cols != o.cols {
		return nil, ErrShape
	}
	sum := m.clone()
	for i, v := range o.data {
		sum.data[i] += v
	}
	return sum, nil
}

// Mul returns the product of two matrices.
func (m *Matrix) Mul(o *Matrix) (*Matrix, error) {
	if m.cols != o.rows {
		return nil, ErrShape
	}
	p := Zero(m.rows, o.cols)
	for i := 0; i < m.rows; i++ {
		for j := 0; j < o.cols; j++ {
			var sum float64
			for k := 0; k < m.cols; k++ {
				sum += m.At(i, k) * o.At(k, j)
			}
			p.Set(i, j, sum)
		}
	}
	return p, nil
}

// pivot finds the row with the largest value in a column, from row on.
func (m *Matrix) pivot(row, col int) int {
	best := row
	for i := row + 1; i < m.rows; i++ {
		if math.Abs(m.At(i, col)) > math.Abs(m.At(best, col)) {
			best = i
		}
	}
	return best
}

func (m *Matrix) swapRows(a, b int) {
	for j := 0; j < m.cols; j++ {
		x, y := m.At(a, j), m.At(b, j)
		m.Set(a, j, y)
		m.Set(b, j, x)
	}
}

// Det computes the determinant by elimination.
func (m *Matrix) Det() (float64, error) {
	if m.rows != m.cols {
		return 0, ErrShape
	}
	work := m.clone()
	det := 1.0
	for col := 0; col < work.cols; col++ {
		best := work.pivot(col, col)
		if work.At(best, col) == 0 {
			return 0, nil
		}
		if best != col {
			work.swapRows(best, col)
			det = -det
		}
		det *= work.At(col, col)
		for i := col + 1; i < work.rows; i++ {
			factor := work.At(i, col) / work.At(col, col)
			for j := col; j < work.cols; j++ {
				work.Set(i, j, work.At(i, j)-factor*work.At(col, j))
			}
		}
	}
	return det, nil
}

// String writes one row per line.
func (m *Matrix) String() string {
	var out strings.Builder
	for i := 0; i < m.rows; i++ {
		for j := 0; j < m.cols; j++ {
			if j > 0 {
				out.WriteByte(' ')
			}
			fmt.Fprintf(&out, "%8.3f", m.At(i, j))
		}
		out.WriteByte('\n')
	}
	return out.String()
}
