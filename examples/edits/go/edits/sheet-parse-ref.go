// ParseRef reads positions such as "A1" and "BC27". Dollar signs, as in
// "$A$1", are accepted and mean nothing.
func ParseRef(text string) (Ref, error) {
	plain := strings.ReplaceAll(text, "$", "")
	i := 0
	col := 0
	for i < len(plain) && plain[i] >= 'A' && plain[i] <= 'Z' {
		col = col*26 + int(plain[i]-'A') + 1
		i++
	}
	row, err := strconv.Atoi(plain[i:])
	if i == 0 || err != nil {
		return Ref{}, fmt.Errorf("bad cell position %q", text)
	}
	if col > MaxColumns || row < 1 || row > MaxRows {
		return Ref{}, fmt.Errorf("cell position %q is out of range", text)
	}
	return Ref{Col: col - 1, Row: row - 1}, nil
}
