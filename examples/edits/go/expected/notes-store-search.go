// Package notes is the HTTP side of a small note store.
package notes

import (
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"strconv"
)

// Note is one note of one user.
type Note struct {
	ID    int64  `json:"id"`
	Owner string `json:"owner"`
	Text  string `json:"text"`
}

// ErrNotFound is returned by stores for unknown notes.
var ErrNotFound = errors.New("notes: not found")

// Store keeps the notes. Implementations must be safe for concurrent use.
type Store interface {
	Get(id int64) (Note, error)
	List(owner string) ([]Note, error)
	Search(words []string) ([]Note, error)
	Put(note Note) (int64, error)
	Delete(id int64) error
}

// Server answers requests from a store.
type Server struct {
	store Store
	log   *log.Logger
}

// Routes returns the handler for all paths below /notes.
func (s *Server) Routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /notes", s.list)
	mux.HandleFunc("GET /notes/{id}", s.get)
	mux.HandleFunc("POST /notes", s.create)
	mux.HandleFunc("DELETE /notes/{id}", s.remove)
	return mux
}

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

func (s *Server) get(w http.ResponseWriter, r *http.Request) {
	id, err := noteID(r)
	if err != nil {
		http.Error(w, "bad note number", http.StatusBadRequest)
		return
	}
	note, err := s.store.Get(id)
	if err != nil {
		s.fail(w, err)
		return
	}
	s.reply(w, http.StatusOK, note)
}

func (s *Server) create(w http.ResponseWriter, r *http.Request) {
	var note Note
	if err := json.NewDecoder(r.Body).Decode(&note); err != nil {
		http.Error(w, "bad JSON: "+err.Error(), http.StatusBadRequest)
		return
	}
	id, err := s.store.Put(note)
	if err != nil {
		s.fail(w, err)
		return
	}
	note.ID = id
	w.Header().Set("Location", "/notes/"+strconv.FormatInt(id, 10))
	s.reply(w, http.StatusCreated, note)
}

func (s *Server) remove(w http.ResponseWriter, r *http.Request) {
	id, err := noteID(r)
	if err != nil {
		http.Error(w, "bad note number", http.StatusBadRequest)
		return
	}
	if err := s.store.Delete(id); err != nil {
		s.fail(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// fail turns an error of the store into a status.
func (s *Server) fail(w http.ResponseWriter, err error) {
	if errors.Is(err, ErrNotFound) {
		http.Error(w, "no such note", http.StatusNotFound)
		return
	}
	s.log.Printf("store: %v", err)
	http.Error(w, "internal error", http.StatusInternalServerError)
}

func (s *Server) reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		s.log.Printf("write: %v", err)
	}
}

func noteID(r *http.Request) (int64, error) {
	return strconv.ParseInt(r.PathValue("id"), 10, 64)
}
