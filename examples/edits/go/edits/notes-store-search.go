// ... existing code ...

// Store keeps the notes. Implementations must be safe for concurrent use.
type Store interface {
	// ... existing methods ...
	List(owner string) ([]Note, error)
	Search(words []string) ([]Note, error)
	Put(note Note) (int64, error)
	// ... existing methods ...
}

// ... existing code ...

func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	notes, err := s.store.List(r.URL.Query().Get("owner"))
	if err != nil {
		s.fail(w, err)
		return
	}
	s.reply(w, http.StatusOK, notes)
}

func (s *Server) search(w http.ResponseWriter, r *http.Request) {
	notes, err := s.store.Search(r.URL.Query()["word"])
	if err != nil {
		s.fail(w, err)
		return
	}
	s.reply(w, http.StatusOK, notes)
}

// ... rest of the file ...
