// Package csvline splits and joins single lines of separated values.
package csvline

import (
	"fmt"
	"strings"
)

// Dialect says how a line is written.
type Dialect struct {
	Comma rune
	Quote rune
	Trim  bool // drop blanks around fields without quotes
}

// Default is what spreadsheets write.
var Default = Dialect{Comma: ',', Quote: '"'}

// SyntaxError points at the rune that did not fit.
type SyntaxError struct {
	Column int
	Msg    string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("column %d: %s", e.Column, e.Msg)
}

type scanner struct {
	dialect Dialect
	runes   []rune
	pos     int
}

func (s *scanner) done() bool {
	return s.pos >= len(s.runes)
}

// next returns the rune at the current position and moves on.
func (s *scanner) next() rune {
	r := s.runes[s.pos]
	s.pos++
	return r
}

func (s *scanner) fail(msg string) error {
	return &SyntaxError{Column: s.pos + 1, Msg: msg}
}

func (s *scanner) quoted() (string, error) {
	var field strings.Builder
	s.next() // the opening quote
	for !s.done() {
		r := s.next()
		if r != s.dialect.Quote {
			field.WriteRune(r)
			continue
		}
		if s.done() || s.runes[s.pos] != s.dialect.Quote {
			return field.String(), nil
		}
		field.WriteRune(s.next())
	}
	return "", s.fail("missing closing quote")
}

func (s *scanner) plain() string {
	start := s.pos
	for !s.done() && s.runes[s.pos] != s.dialect.Comma {
		s.pos++
	}
	field := string(s.runes[start:s.pos])
	if s.dialect.Trim {
		field = strings.TrimSpace(field)
	}
	return field
}

// Split cuts a line into its fields.
func (d Dialect) Split(line string) ([]string, error) {
	s := &scanner{dialect: d, runes: []rune(line)}
	var fields []string
	for {
		if !s.done() && s.runes[s.pos] == d.Quote {
			field, err := s.quoted()
			if err != nil {
				return nil, err
			}
			fields = append(fields, field)
		} else {
			fields = append(fields, s.plain())
		}
		if s.done() {
			return fields, nil
		}
		if s.next() != d.Comma {
			return nil, s.fail("text after a closing quote")
		}
	}
}

// Join is the opposite of Split.
func (d Dialect) Join(fields []string) string {
	quoted := make([]string, len(fields))
	for i, field := range fields {
		quoted[i] = d.escape(field)
	}
	return strings.Join(quoted, string(d.Comma))
}

func (d Dialect) escape(field string) string {
	special := string(d.Comma) + string(d.Quote) + "\r\n"
	if !strings.ContainsAny(field, special) && strings.TrimSpace(field) == field {
		return field
	}
	q := string(d.Quote)
	return q + strings.ReplaceAll(field, q, q+q) + q
}
