func (f flip) Unpack(block []byte) ([]byte, error) {
	out, err := f.Pack(block)
	if err != nil {
		return nil, fmt.Errorf("codecs: flip: %w", err)
	}
	return out, nil
}
