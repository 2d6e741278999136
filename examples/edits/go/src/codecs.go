// Package codecs keeps the list of known compression formats.
package codecs

import "fmt"

// Codec packs and unpacks blocks of bytes.
type Codec interface {
	Name() string
	Pack(block []byte) ([]byte, error)
	Unpack(block []byte) ([]byte, error)
}

var known = map[string]Codec{}

func register(c Codec) {
	if _, taken := known[c.Name()]; taken {
		panic(fmt.Sprintf("codecs: %s registered twice", c.Name()))
	}
	known[c.Name()] = c
}

// Find returns the codec with the given name.
func Find(name string) (Codec, error) {
	c, ok := known[name]
	if !ok {
		return nil, fmt.Errorf("codecs: unknown codec %q", name)
	}
	return c, nil
}

// identity copies its input.
type identity struct{}

func (identity) Name() string                      { return "identity" }
func (identity) Pack(block []byte) ([]byte, error) { return block, nil }

func (identity) Unpack(block []byte) ([]byte, error) {
	return block, nil
}

func init() {
	register(identity{})
}

// flip inverts all bits; good for tests only.
type flip struct{}

func (flip) Name() string { return "flip" }

func (flip) Pack(block []byte) ([]byte, error) {
	out := make([]byte, len(block))
	for i, b := range block {
		out[i] = ^b
	}
	return out, nil
}

func (f flip) Unpack(block []byte) ([]byte, error) {
	return f.Pack(block)
}

func init() {
	register(flip{})
}
