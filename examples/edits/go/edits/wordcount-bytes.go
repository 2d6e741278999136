// ... existing code ...

// Counts is the result for one text.
type Counts struct {
	Lines int
	Words int
	Runes int
	Bytes int
}

// Add joins the counts of two texts.
func (c Counts) Add(other Counts) Counts {
	c.Lines += other.Lines
	c.Words += other.Words
	c.Runes += other.Runes
	c.Bytes += other.Bytes
	return c
}

// Read counts everything up to the end of r.
func Read(r io.Reader) (Counts, error) {
	var counts Counts
	inWord := false
	in := bufio.NewReader(r)
	for {
		c, size, err := in.ReadRune()
		if err == io.EOF {
			return counts, nil
		}
		// ... existing code ...
		counts.Runes++
		counts.Bytes += size
		if c == '\n' {
			counts.Lines++
		}
		// ... existing code ...
	}
}
