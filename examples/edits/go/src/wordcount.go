// Package wordcount works like wc, for runes instead of bytes.
package wordcount

import (
	"bufio"
	"io"
	"unicode"
)

// Counts is the result for one text.
type Counts struct {
	Lines int
	Words int
	Runes int
}

// Add joins the counts of two texts.
func (c Counts) Add(other Counts) Counts {
	c.Lines += other.Lines
	c.Words += other.Words
	c.Runes += other.Runes
	return c
}

// Read counts everything up to the end of r.
func Read(r io.Reader) (Counts, error) {
	var counts Counts
	inWord := false
	in := bufio.NewReader(r)
	for {
		c, _, err := in.ReadRune()
		if err == io.EOF {
			return counts, nil
		}
		if err != nil {
			return counts, err
		}
		counts.Runes++
		if c == '\n' {
			counts.Lines++
		}
		if unicode.IsSpace(c) {
			inWord = false
		} else if !inWord {
			inWord = true
			counts.Words++
		}
	}
}
