func (a *Article) Validate() error {
	var problems []error
	if !a.SKU.Valid() {
		problems = append(problems, fmt.Errorf("bad article number %q", a.SKU))
	}
	if strings.TrimSpace(a.Name) == "" {
		problems = append(problems, errors.New("name is empty"))
	}
	if a.Price < 0 {
		problems = append(problems, fmt.Errorf("negative price %v", a.Price))
	}
	if a.ReorderLevel < 0 || a.ReorderSize < 0 {
		problems = append(problems, errors.New("negative reorder rule"))
	}
	return errors.Join(problems...)
}
