func (d Dialect) escape(field string) string {
	special := string(d.Comma) + string(d.Quote) + "\r\n"
	if !strings.ContainsAny(field, special) && strings.TrimSpace(field) == field {
		return field
	}
	q := string(d.Quote)
	return q + strings.ReplaceAll(field, q, q+q) + q
}
