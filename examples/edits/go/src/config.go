// Package config reads settings from files, the environment and flags.
//
// A file looks like this:
//
//	# comment
//	listen = :8080
//	[database]
//	url = postgres://localhost/${USER}
package config

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"
)

// usage is printed by Help; braces and quotes in it mean nothing special.
const usage = `Settings are read in this order, later ones win:

  1. the file named by {config}
  2. environment variables that start with "{prefix}_"
  3. flags of the form --section.key=value
`

// Source says where a value came from.
type Source int

const (
	FromDefault Source = iota
	FromFile
	FromEnv
	FromFlag
)

// Value is a raw setting with its origin.
type Value struct {
	Text   string
	Source Source
	Line   int // only for FromFile
}

// ParseError is a mistake in a file.
type ParseError struct {
	Line int
	Msg  string
}

func (e *ParseError) Error() string {
	return fmt.Sprintf("line %d: %s", e.Line, e.Msg)
}

// TypeError is a value that does not convert.
type TypeError struct {
	Key  string
	Want string
	Err  error
}

func (e *TypeError) Error() string {
	return fmt.Sprintf("setting %s: not a valid %s: %v", e.Key, e.Want, e.Err)
}

func (e *TypeError) Unwrap() error { return e.Err }

// ErrMissing is wrapped by the errors for required settings.
var ErrMissing = errors.New("missing setting")

// Config holds all settings by their full name, such as "database.url".
type Config struct {
	values map[string]Value
	getenv func(string) string
}

// New returns a config without any setting.
func New() *Config {
	return &Config{
		values: make(map[string]Value),
		getenv: os.Getenv,
	}
}

// SetDefault sets a value that everything else may replace.
func (c *Config) SetDefault(key, text string) {
	if _, ok := c.values[key]; !ok {
		c.values[key] = Value{Text: text, Source: FromDefault}
	}
}

// set keeps the value with the stronger source.
func (c *Config) set(key string, v Value) {
	if old, ok := c.values[key]; ok && old.Source > v.Source {
		return
	}
	c.values[key] = v
}

// ReadFile reads settings from a file on disk.
func (c *Config) ReadFile(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := c.Read(f); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// Read reads settings in the file format.
func (c *Config) Read(r io.Reader) error {
	section := ""
	number := 0
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		number++
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if strings.HasPrefix(line, "[") {
			if !strings.HasSuffix(line, "]") {
				return &ParseError{Line: number, Msg: "missing ]"}
			}
			section = strings.TrimSpace(line[1 : len(line)-1])
			continue
		}
		key, text, ok := strings.Cut(line, "=")
		if !ok {
			return &ParseError{Line: number, Msg: "expected key = value"}
		}
		key = strings.TrimSpace(key)
		if section != "" {
			key = section + "." + key
		}
		c.set(key, Value{
			Text:   c.expand(strings.TrimSpace(text)),
			Source: FromFile,
			Line:   number,
		})
	}
	return lines.Err()
}

// expand replaces ${NAME} by the environment variable of that name.
func (c *Config) expand(text string) string {
	return os.Expand(text, c.getenv)
}

// ReadEnv takes over variables such as APP_DATABASE_URL.
func (c *Config) ReadEnv(prefix string, environ []string) {
	for _, pair := range environ {
		name, text, _ := strings.Cut(pair, "=")
		rest, ok := strings.CutPrefix(name, prefix+"_")
		if !ok {
			continue
		}
		key := strings.ToLower(strings.ReplaceAll(rest, "_", "."))
		c.set(key, Value{Text: text, Source: FromEnv})
	}
}

// ReadArgs takes over flags and returns the other arguments.
func (c *Config) ReadArgs(args []string) (rest []string) {
	for i, arg := range args {
		if arg == "--" {
			return append(rest, args[i+1:]...)
		}
		flag, ok := strings.CutPrefix(arg, "--")
		if !ok {
			rest = append(rest, arg)
			continue
		}
		key, text, found := strings.Cut(flag, "=")
		if !found {
			text = "true"
		}
		c.set(key, Value{Text: text, Source: FromFlag})
	}
	return rest
}

// String returns a setting, or an empty string.
func (c *Config) String(key string) string {
	return c.values[key].Text
}

// Int returns a setting as a number.
func (c *Config) Int(key string) (int, error) {
	n, err := strconv.Atoi(c.String(key))
	if err != nil {
		return 0, &TypeError{Key: key, Want: "number", Err: err}
	}
	return n, nil
}

// Bool returns a setting as a truth value.
func (c *Config) Bool(key string) (bool, error) {
	b, err := strconv.ParseBool(c.String(key))
	if err != nil {
		return false, &TypeError{Key: key, Want: "truth value", Err: err}
	}
	return b, nil
}

// Duration returns a setting as a span of time, such as "1m30s".
func (c *Config) Duration(key string) (time.Duration, error) {
	d, err := time.ParseDuration(c.String(key))
	if err != nil {
		return 0, &TypeError{Key: key, Want: "duration", Err: err}
	}
	return d, nil
}

// List returns a setting that holds several values with commas between them.
func (c *Config) List(key string) []string {
	var items []string
	for _, item := range strings.Split(c.String(key), ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

// Section returns all settings below a prefix, without the prefix.
func (c *Config) Section(name string) map[string]string {
	found := make(map[string]string)
	for key, v := range c.values {
		if short, ok := strings.CutPrefix(key, name+"."); ok {
			found[short] = v.Text
		}
	}
	return found
}

// Require checks that all the keys are set.
func (c *Config) Require(keys ...string) error {
	var missing []error
	for _, key := range keys {
		if c.values[key].Text == "" {
			missing = append(missing, fmt.Errorf("%w: %s", ErrMissing, key))
		}
	}
	return errors.Join(missing...)
}

// Dump writes all settings in order, for debugging.
func (c *Config) Dump(w io.Writer) error {
	keys := make([]string, 0, len(c.values))
	for key := range c.values {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	for _, key := range keys {
		if _, err := fmt.Fprintf(w, "%s = %s\n", key, c.values[key].Text); err != nil {
			return err
		}
	}
	return nil
}

// Help explains where settings come from.
func Help(config, prefix string) string {
	return strings.NewReplacer("{config}", config, "{prefix}", prefix).Replace(usage)
}
