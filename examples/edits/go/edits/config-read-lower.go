func (c *Config) Read(r io.Reader) error {
	section := ""
	number := 0
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		// ... existing code ...
		key, text, ok := strings.Cut(line, "=")
		if !ok {
			return &ParseError{Line: number, Msg: "expected key = value"}
		}
		key = strings.ToLower(strings.TrimSpace(key))
		if section != "" {
			key = section + "." + key
		}
		// ... existing code ...
	}
	return lines.Err()
}
