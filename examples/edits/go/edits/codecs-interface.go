// Codec packs and unpacks blocks of bytes.
type Codec interface {
	Name() string
	// ... existing methods ...
	Unpack(block []byte) ([]byte, error)
	// MaxSize is the most that Pack can make of n bytes.
	MaxSize(n int) int
}
