// Package pool runs tasks on a fixed number of workers, with priorities,
// retries and a clean shutdown.
package pool

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Priority decides which waiting task comes next.
type Priority int

const (
	Low Priority = iota
	Normal
	High
)

func (p Priority) String() string {
	switch p {
	case Low:
		return "low"
	case Normal:
		return "normal"
	case High:
		return "high"
	default:
		return fmt.Sprintf("Priority(%d)", int(p))
	}
}

var (
	// ErrClosed is returned by Submit after Close.
	ErrClosed = errors.New("pool: closed")
	// ErrFull is returned by Submit when too many tasks wait.
	ErrFull = errors.New("pool: queue is full")
)

// Func is the work of one task.
type Func func(ctx context.Context) error

// Task is a unit of work in the queue.
type Task struct {
	Name     string
	Priority Priority
	Retries  int
	Run      Func

	seq     uint64
	attempt int
}

// State is what became of a task.
type State int

const (
	Waiting State = iota
	Running
	Done
	Failed
)

func (s State) String() string {
	names := [...]string{"waiting", "running", "done", "failed"}
	if s >= 0 && int(s) < len(names) {
		return names[s]
	}
	return "unknown state"
}

// queue implements heap.Interface: high priority first, then first come,
// first served.
type queue []*Task

func (q queue) Len() int { return len(q) }

func (q queue) Less(i, j int) bool {
	if q[i].Priority != q[j].Priority {
		return q[i].Priority > q[j].Priority
	}
	return q[i].seq < q[j].seq
}

func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

func (q *queue) Push(x any) {
	*q = append(*q, x.(*Task))
}

func (q *queue) Pop() any {
	old := *q
	last := len(old) - 1
	task := old[last]
	old[last] = nil
	*q = old[:last]
	return task
}

// Stats counts tasks by what became of them.
type Stats struct {
	Done    int
	Failed  int
	Retried int
}

// Config is copied by New.
type Config struct {
	Workers  int
	MaxQueue int
	Backoff  time.Duration
	Logger   *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.Workers <= 0 {
		c.Workers = 4
	}
	if c.MaxQueue <= 0 {
		c.MaxQueue = 1000
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

// Pool owns the workers.
type Pool struct {
	cfg    Config
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu     sync.Mutex
	wake   *sync.Cond
	tasks  queue
	seq    uint64
	closed bool
	stats  Stats
}

// New starts the workers.
func New(ctx context.Context, cfg Config) *Pool {
	ctx, cancel := context.WithCancel(ctx)
	p := &Pool{
		cfg:    cfg.withDefaults(),
		ctx:    ctx,
		cancel: cancel,
	}
	p.wake = sync.NewCond(&p.mu)
	for i := 0; i < p.cfg.Workers; i++ {
		p.wg.Add(1)
		go p.worker(i)
	}
	return p
}

// Submit puts a task into the queue and returns at once.
func (p *Pool) Submit(task Task) error {
	p.mu.Lock()
	defer p.mu.Unlock()

	if p.closed {
		return ErrClosed
	}
	if len(p.tasks) >= p.cfg.MaxQueue {
		return ErrFull
	}
	p.push(&task)
	return nil
}

// push must be called with the lock held.
func (p *Pool) push(task *Task) {
	p.seq++
	task.seq = p.seq
	heap.Push(&p.tasks, task)
	p.wake.Signal()
}

// take waits for a task. It returns nil when the pool is closed and empty.
func (p *Pool) take() *Task {
	p.mu.Lock()
	defer p.mu.Unlock()

	for len(p.tasks) == 0 {
		if p.closed {
			return nil
		}
		p.wake.Wait()
	}
	return heap.Pop(&p.tasks).(*Task)
}

func (p *Pool) worker(number int) {
	defer p.wg.Done()
	logger := p.cfg.Logger.With("worker", number)
	for {
		task := p.take()
		if task == nil {
			logger.Debug("worker stops")
			return
		}
		err := p.runOne(task)
		p.finish(logger, task, err)
	}
}

// runOne turns a panic of the task into an error.
func (p *Pool) runOne(task *Task) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("task %s panicked: %v", task.Name, r)
		}
	}()
	task.attempt++
	return task.Run(p.ctx)
}

func (p *Pool) finish(logger *slog.Logger, task *Task, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()

	if err == nil {
		p.stats.Done++
		return
	}
	logger.Warn("task failed", "task", task.Name, "attempt", task.attempt, "error", err)
	if task.attempt > task.Retries || p.ctx.Err() != nil {
		p.stats.Failed++
		return
	}
	p.stats.Retried++
	if p.cfg.Backoff == 0 {
		p.push(task)
		return
	}
	time.AfterFunc(p.cfg.Backoff, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.push(task)
	})
}

// Stats returns a copy of the counters.
func (p *Pool) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stats
}

// Waiting is the number of tasks in the queue.
func (p *Pool) Waiting() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.tasks)
}

// Names lists the waiting tasks in no particular order.
func (p *Pool) Names() []string {
	p.mu.Lock()
	defer p.mu.Unlock()

	names := make([]string, 0, len(p.tasks))
	for _, task := range p.tasks {
		names = append(names, task.Name)
	}
	return names
}

// Close lets the workers finish the queue and waits for them.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	p.wake.Broadcast()
	p.mu.Unlock()

	p.wg.Wait()
	p.cancel()
}

// Abort is like Close, but drops the queue and cancels running tasks.
func (p *Pool) Abort() {
	p.mu.Lock()
	p.tasks = nil
	p.mu.Unlock()

	p.cancel()
	p.Close()
}

// Group is a set of tasks that belong together.
type Group struct {
	pool *Pool
	wg   sync.WaitGroup

	mu   sync.Mutex
	errs []error
}

// NewGroup returns an empty group.
func (p *Pool) NewGroup() *Group {
	return &Group{pool: p}
}

// Go submits one task of the group. The task is not retried, because a group
// is through as soon as every task of it ran once.
func (g *Group) Go(name string, run Func) error {
	g.wg.Add(1)
	err := g.pool.Submit(Task{
		Name:     name,
		Priority: Normal,
		Run: func(ctx context.Context) error {
			defer g.wg.Done()
			err := run(ctx)
			if err != nil {
				g.add(fmt.Errorf("%s: %w", name, err))
			}
			return err
		},
	})
	if err != nil {
		g.wg.Done()
	}
	return err
}

func (g *Group) add(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.errs = append(g.errs, err)
}

// Wait blocks until all tasks of the group are through.
func (g *Group) Wait() error {
	g.wg.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
	return errors.Join(g.errs...)
}
