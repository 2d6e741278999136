func line(offset int, chunk []byte) string {
	var hex, text strings.Builder
	for i := 0; i < Width; i++ {
		if i == Width/2 {
			hex.WriteByte(' ')
		}
		if i < len(chunk) {
			fmt.Fprintf(&hex, "%02x ", chunk[i])
			text.WriteByte(printable(chunk[i]))
		} else {
			hex.WriteString("   ")
		}
	}
	return fmt.Sprintf("%08x  %s |%s|", offset, hex.String(), text.String())
}
