// Package inventory keeps track of goods in a warehouse: what lies where,
// what is reserved for orders, and what has to be bought again.
package inventory

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

// SKU is the number of an article.
type SKU string

// Valid reports whether the number has the form "AB-1234".
func (s SKU) Valid() bool {
	letters, digits, ok := strings.Cut(string(s), "-")
	if !ok || len(letters) != 2 || len(digits) != 4 {
		return false
	}
	for _, r := range letters {
		if r < 'A' || r > 'Z' {
			return false
		}
	}
	for _, r := range digits {
		if r < '0' || r > '9' {
			return false
		}
	}
	return true
}

// Cents is an amount of money.
type Cents int64

func (c Cents) String() string {
	sign := ""
	if c < 0 {
		sign = "-"
		c = -c
	}
	return fmt.Sprintf("%s€%d.%02d", sign, c/100, c%100)
}

// Article is the master data of one kind of goods.
type Article struct {
	SKU          SKU      `json:"sku"`
	Name         string   `json:"name"`
	Price        Cents    `json:"price"`
	ReorderLevel int      `json:"reorder_level"`
	ReorderSize  int      `json:"reorder_size"`
	Tags         []string `json:"tags,omitempty"`
}

// Validate lists everything that is wrong with the master data.
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
	return errors.Join(problems...)
}

// Location is a place in the warehouse.
type Location struct {
	Aisle string `json:"aisle"`
	Shelf int    `json:"shelf"`
}

func (l Location) String() string {
	return fmt.Sprintf("%s/%02d", l.Aisle, l.Shelf)
}

func compareLocations(a, b Location) int {
	return cmp.Or(
		cmp.Compare(a.Aisle, b.Aisle),
		cmp.Compare(a.Shelf, b.Shelf),
	)
}

// Pile is a number of pieces at one place.
type Pile struct {
	At    Location `json:"at"`
	Count int      `json:"count"`
}

// Kind is the type of a movement.
type Kind string

const (
	Receipt Kind = "receipt"
	Pick    Kind = "pick"
	Move    Kind = "move"
	Count   Kind = "count"
)

// Movement is one entry of the journal.
type Movement struct {
	Time  time.Time `json:"time"`
	Kind  Kind      `json:"kind"`
	SKU   SKU       `json:"sku"`
	At    Location  `json:"at"`
	Delta int       `json:"delta"`
	Note  string    `json:"note,omitempty"`
}

// Errors that callers may want to tell apart.
var (
	ErrUnknownArticle = errors.New("inventory: unknown article")
	ErrDuplicate      = errors.New("inventory: article exists already")
	ErrReservation    = errors.New("inventory: no such reservation")
)

// ShortageError says how much is missing.
type ShortageError struct {
	SKU    SKU
	Wanted int
	Free   int
}

func (e *ShortageError) Error() string {
	return fmt.Sprintf("inventory: %s: wanted %d, only %d free", e.SKU, e.Wanted, e.Free)
}

// record is everything the warehouse knows about an article.
type record struct {
	article  Article
	piles    []Pile
	reserved map[string]int // by order number
}

func (r *record) onHand() int {
	total := 0
	for _, pile := range r.piles {
		total += pile.Count
	}
	return total
}

func (r *record) held() int {
	total := 0
	for _, count := range r.reserved {
		total += count
	}
	return total
}

func (r *record) free() int {
	return r.onHand() - r.held()
}

// pileAt returns the pile at a location and makes an empty one if needed.
func (r *record) pileAt(at Location) *Pile {
	i, found := slices.BinarySearchFunc(r.piles, at, func(p Pile, at Location) int {
		return compareLocations(p.At, at)
	})
	if !found {
		r.piles = slices.Insert(r.piles, i, Pile{At: at})
	}
	return &r.piles[i]
}

// dropEmpty removes piles that nothing is left of.
func (r *record) dropEmpty() {
	r.piles = slices.DeleteFunc(r.piles, func(p Pile) bool {
		return p.Count == 0
	})
}

// Warehouse is safe for concurrent use.
type Warehouse struct {
	mu      sync.RWMutex
	records map[SKU]*record
	journal []Movement
	now     func() time.Time
}

// Option changes a warehouse while it is being made.
type Option func(*Warehouse)

// WithClock replaces time.Now, for tests.
func WithClock(now func() time.Time) Option {
	return func(w *Warehouse) { w.now = now }
}

// NewWarehouse returns an empty warehouse.
func NewWarehouse(options ...Option) *Warehouse {
	w := &Warehouse{
		records: make(map[SKU]*record),
		now:     time.Now,
	}
	for _, option := range options {
		option(w)
	}
	return w
}

// find must be called with a lock held.
func (w *Warehouse) find(sku SKU) (*record, error) {
	r, ok := w.records[sku]
	if !ok {
		return nil, fmt.Errorf("%w: %s", ErrUnknownArticle, sku)
	}
	return r, nil
}

// note must be called with the write lock held.
func (w *Warehouse) note(kind Kind, sku SKU, at Location, delta int, text string) {
	w.journal = append(w.journal, Movement{
		Time:  w.now(),
		Kind:  kind,
		SKU:   sku,
		At:    at,
		Delta: delta,
		Note:  text,
	})
}

// AddArticle makes an article known. Its stock starts at zero.
func (w *Warehouse) AddArticle(a Article) error {
	if err := a.Validate(); err != nil {
		return fmt.Errorf("article %s: %w", a.SKU, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()

	if _, exists := w.records[a.SKU]; exists {
		return fmt.Errorf("%w: %s", ErrDuplicate, a.SKU)
	}
	w.records[a.SKU] = &record{
		article:  a,
		reserved: make(map[string]int),
	}
	return nil
}

// Receive books incoming goods.
func (w *Warehouse) Receive(sku SKU, at Location, count int) error {
	if count <= 0 {
		return fmt.Errorf("inventory: cannot receive %d pieces", count)
	}
	w.mu.Lock()
	defer w.mu.Unlock()

	r, err := w.find(sku)
	if err != nil {
		return err
	}
	r.pileAt(at).Count += count
	w.note(Receipt, sku, at, count, "")
	return nil
}

// Free tells how many pieces of an article may still be reserved.
func (w *Warehouse) Free(sku SKU) (int, error) {
	w.mu.RLock()
	defer w.mu.RUnlock()

	r, err := w.find(sku)
	if err != nil {
		return 0, err
	}
	return r.free(), nil
}

// Reserve holds pieces back for an order.
func (w *Warehouse) Reserve(sku SKU, order string, count int) error {
	w.mu.Lock()
	defer w.mu.Unlock()

	r, err := w.find(sku)
	if err != nil {
		return err
	}
	if free := r.free(); free < count {
		return &ShortageError{SKU: sku, Wanted: count, Free: free}
	}
	r.reserved[order] += count
	return nil
}

// Release gives a reservation up.
func (w *Warehouse) Release(sku SKU, order string) error {
	w.mu.Lock()
	defer w.mu.Unlock()

	r, err := w.find(sku)
	if err != nil {
		return err
	}
	if _, ok := r.reserved[order]; !ok {
		return fmt.Errorf("%w: %s for %s", ErrReservation, sku, order)
	}
	delete(r.reserved, order)
	return nil
}

// Pick takes the reserved pieces of an order off the shelves and returns
// where they were taken from.
func (w *Warehouse) Pick(sku SKU, order string) ([]Pile, error) {
	w.mu.Lock()
	defer w.mu.Unlock()

	r, err := w.find(sku)
	if err != nil {
		return nil, err
	}
	left, ok := r.reserved[order]
	if !ok {
		return nil, fmt.Errorf("%w: %s for %s", ErrReservation, sku, order)
	}

	var picked []Pile
	for i := range r.piles {
		if left == 0 {
			break
		}
		pile := &r.piles[i]
		part := min(left, pile.Count)
		pile.Count -= part
		left -= part
		picked = append(picked, Pile{At: pile.At, Count: part})
		w.note(Pick, sku, pile.At, -part, "order "+order)
	}

	delete(r.reserved, order)
	r.dropEmpty()
	return picked, nil
}

// Move carries pieces from one place to another.
func (w *Warehouse) Move(sku SKU, from, to Location, count int) error {
	w.mu.Lock()
	defer w.mu.Unlock()

	r, err := w.find(sku)
	if err != nil {
		return err
	}
	source := r.pileAt(from)
	if source.Count < count {
		have := source.Count
		r.dropEmpty()
		return fmt.Errorf("inventory: only %d of %s at %v", have, sku, from)
	}
	source.Count -= count
	r.pileAt(to).Count += count
	w.note(Move, sku, from, -count, "to "+to.String())
	w.note(Move, sku, to, count, "from "+from.String())
	r.dropEmpty()
	return nil
}

// Recount sets a pile to what somebody really found there.
func (w *Warehouse) Recount(sku SKU, at Location, found int) (difference int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()

	r, err := w.find(sku)
	if err != nil {
		return 0, err
	}
	pile := r.pileAt(at)
	difference = found - pile.Count
	pile.Count = found
	if difference != 0 {
		w.note(Count, sku, at, difference, "recount")
	}
	r.dropEmpty()
	return difference, nil
}

// Level is one line of a stock report.
type Level struct {
	Article Article
	OnHand  int
	Free    int
	Piles   []Pile
}

// Levels reports on all articles, in the order of their numbers.
func (w *Warehouse) Levels() []Level {
	w.mu.RLock()
	defer w.mu.RUnlock()

	levels := make([]Level, 0, len(w.records))
	for _, r := range w.records {
		levels = append(levels, Level{
			Article: r.article,
			OnHand:  r.onHand(),
			Free:    r.free(),
			Piles:   slices.Clone(r.piles),
		})
	}
	slices.SortFunc(levels, func(a, b Level) int {
		return cmp.Compare(a.Article.SKU, b.Article.SKU)
	})
	return levels
}

// Order is a wish to buy something.
type Order struct {
	SKU   SKU   `json:"sku"`
	Count int   `json:"count"`
	Cost  Cents `json:"cost"`
}

// Reorders lists what has fallen below its reorder level.
func (w *Warehouse) Reorders() []Order {
	var orders []Order
	for _, level := range w.Levels() {
		a := level.Article
		if a.ReorderSize == 0 || level.Free >= a.ReorderLevel {
			continue
		}
		orders = append(orders, Order{
			SKU:   a.SKU,
			Count: a.ReorderSize,
			Cost:  a.Price * Cents(a.ReorderSize),
		})
	}
	return orders
}

// Worth is the price of everything on the shelves.
func (w *Warehouse) Worth() Cents {
	var total Cents
	for _, level := range w.Levels() {
		total += level.Article.Price * Cents(level.OnHand)
	}
	return total
}

// Journal returns the movements of an article since a point in time.
func (w *Warehouse) Journal(sku SKU, since time.Time) []Movement {
	w.mu.RLock()
	defer w.mu.RUnlock()

	var found []Movement
	for _, m := range w.journal {
		if m.SKU == sku && !m.Time.Before(since) {
			found = append(found, m)
		}
	}
	return found
}

// Tagged returns the numbers of all articles with a tag, in order.
func (w *Warehouse) Tagged(tag string) []SKU {
	w.mu.RLock()
	defer w.mu.RUnlock()

	var found []SKU
	for sku, r := range w.records {
		if slices.Contains(r.article.Tags, tag) {
			found = append(found, sku)
		}
	}
	slices.Sort(found)
	return found
}

// WriteReport prints the stock as a table for people.
func (w *Warehouse) WriteReport(out io.Writer) error {
	for _, level := range w.Levels() {
		places := make([]string, len(level.Piles))
		for i, pile := range level.Piles {
			places[i] = fmt.Sprintf("%v (%d)", pile.At, pile.Count)
		}
		_, err := fmt.Fprintf(out, "%-8s %-24s %6d %6d  %s\n",
			level.Article.SKU, level.Article.Name,
			level.OnHand, level.Free, strings.Join(places, ", "))
		if err != nil {
			return err
		}
	}
	return nil
}

// snapshot is the form of a warehouse on disk.
type snapshot struct {
	Version  int                    `json:"version"`
	Articles []Article              `json:"articles"`
	Piles    map[SKU][]Pile         `json:"piles"`
	Reserved map[SKU]map[string]int `json:"reserved"`
}

// Save writes everything except the journal.
func (w *Warehouse) Save(out io.Writer) error {
	w.mu.RLock()
	defer w.mu.RUnlock()

	s := snapshot{
		Version:  1,
		Piles:    make(map[SKU][]Pile),
		Reserved: make(map[SKU]map[string]int),
	}
	for sku, r := range w.records {
		s.Articles = append(s.Articles, r.article)
		s.Piles[sku] = r.piles
		s.Reserved[sku] = r.reserved
	}
	return json.NewEncoder(out).Encode(s)
}

// Load replaces the contents of the warehouse by a saved one.
func (w *Warehouse) Load(in io.Reader) error {
	var s snapshot
	if err := json.NewDecoder(in).Decode(&s); err != nil {
		return fmt.Errorf("inventory: load: %w", err)
	}
	if s.Version != 1 {
		return fmt.Errorf("inventory: load: unknown version %d", s.Version)
	}
	records := make(map[SKU]*record, len(s.Articles))
	for _, a := range s.Articles {
		reserved := s.Reserved[a.SKU]
		if reserved == nil {
			reserved = make(map[string]int)
		}
		records[a.SKU] = &record{
			article:  a,
			piles:    s.Piles[a.SKU],
			reserved: reserved,
		}
	}

	w.mu.Lock()
	defer w.mu.Unlock()
	w.records = records
	w.journal = nil
	return nil
}
