func (s *Server) create(w http.ResponseWriter, r *http.Request) {
	var note Note
	body := http.MaxBytesReader(w, r.Body, 1<<20)
	if err := json.NewDecoder(body).Decode(&note); err != nil {
		http.Error(w, "bad JSON: "+err.Error(), http.StatusBadRequest)
		return
	}
	// ... existing code ...
	s.reply(w, http.StatusCreated, note)
}
