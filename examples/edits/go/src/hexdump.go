package hexdump

import (
	"fmt"
	"strings"
)

// Width is the number of bytes on one line.
const Width = 16

// printable shows what the right column can show.
func printable(b byte) byte {
	if b >= 0x20 && b < 0x7f {
		return b
	}
	return '.'
}

func line(offset int, chunk []byte) string {
	var hex, text strings.Builder
	for i := 0; i < Width; i++ {
		if i < len(chunk) {
			fmt.Fprintf(&hex, "%02x ", chunk[i])
			text.WriteByte(printable(chunk[i]))
		} else {
			hex.WriteString("   ")
		}
	}
	return fmt.Sprintf("%08x  %s |%s|", offset, hex.String(), text.String())
}

// Dump formats data the way hexdump -C does.
func Dump(data []byte) string {
	var out strings.Builder
	for offset := 0; offset < len(data); offset += Width {
		end := min(offset+Width, len(data))
		out.WriteString(line(offset, data[offset:end]))
		out.WriteByte('\n')
	}
	return out.String()
}
