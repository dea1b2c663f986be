// Package groupsync is the sync service: it carries out a plan through a
// repository, concurrently, users before the groups that need them, deletions
// last, and tells what became of each operation. It does not print.
package groupsync

import (
	"context"
	"log/slog"
	"time"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/retry"
)

// Repository is the tenant that a plan is carried out on. Its errors tell their
// HTTP status as retry.StatusError does, and by FromAPI() bool whether the API
// itself gave it; one whose method Unauthenticated() bool is true ends the run;
// one that wraps retry.ErrInterrupted says that nothing was sent. It is called
// concurrently.
type Repository interface {
	Users(context.Context) ([]directory.User, error)
	CreateUser(context.Context, directory.User) error
	ReplaceUser(context.Context, directory.User) error
	DeleteUser(context.Context, directory.User) error

	// Group reads a group; Usernames is nil where the tenant does not say.
	Group(context.Context, directory.GroupName) (directory.Group, error)
	CreateGroup(context.Context, directory.Group) error
	ReplaceGroup(context.Context, directory.Group) error
	DeleteGroup(context.Context, directory.GroupName) error
}

// OnUserFailure says what becomes of a group with a user who could not be
// created.
type OnUserFailure string

// The choices.
const (
	SkipGroup OnUserFailure = "skip-group" // it is left alone and counts as failed
	SyncRest  OnUserFailure = "sync-rest"  // it is synced without that user
)

// Service carries out a plan. Make one for each run with New: budget, breaker
// and figures are a run's.
type Service struct {
	repository    Repository
	retrier       retry.Retrier
	metrics       map[string]*retry.Metrics // by kind of operation, as "create user"
	users         retry.Policy
	groups        retry.Policy
	jitter        retry.Jitter
	concurrency   int
	onUserFailure OnUserFailure
	log           *slog.Logger
	progress      func()
}

// Option is a setting of New.
type Option func(*Service)

// New makes a service over the repository. Without options the creation of a
// user is tried 3 times with waits of 1 s and 2 s between (FR-RETRY-001), group
// operations are tried once (FR-RETRY-004), 4 operations are in flight at a
// time, and nothing is logged.
func New(repository Repository, options ...Option) *Service {
	s := &Service{
		repository:    repository,
		users:         retry.Default(),
		groups:        retry.Default(),
		jitter:        retry.Default().Jitter,
		concurrency:   4,
		onUserFailure: SkipGroup,
		log:           slog.New(slog.DiscardHandler),
		progress:      func() {},
	}
	s.groups.Attempts = 1
	s.retrier.RetryAfterMax = time.Minute
	for _, option := range options {
		option(s)
	}
	s.users.Jitter, s.groups.Jitter = s.jitter, s.jitter
	s.retrier.Log = s.log.With("layer", "service")
	s.metrics = map[string]*retry.Metrics{}
	for _, object := range []plan.Object{plan.User, plan.Group} {
		for _, action := range []plan.Action{plan.Create, plan.Update, plan.Delete} {
			s.metrics[kind(action, object)] = new(retry.Metrics)
		}
	}
	return s
}

// WithRetryAttempts sets how often a user operation is tried in all, the first
// attempt included; under 1 counts as 1. The default is 3.
func WithRetryAttempts(n int) Option { return func(s *Service) { s.users.Attempts = n } }

// WithBackoffMultiplier sets the wait before the first retry, which doubles with
// each further one, before the bounds apply:
// max(min(multiplier × 2^(attempt-1), max), min). The default is 1 s.
func WithBackoffMultiplier(d time.Duration) Option {
	return func(s *Service) { s.users.Multiplier = d }
}

// WithBackoffMin sets the shortest wait. The default is 1 s.
func WithBackoffMin(d time.Duration) Option { return func(s *Service) { s.users.Min = d } }

// WithBackoffMax sets the longest wait but for a Retry-After. The default is 4 s.
func WithBackoffMax(d time.Duration) Option { return func(s *Service) { s.users.Max = d } }

// WithBackoffJitter spreads the waits of user and group operations. The default
// is none.
func WithBackoffJitter(jitter retry.Jitter) Option { return func(s *Service) { s.jitter = jitter } }

// WithGroupRetry sets how often group operations are tried, and the waits
// between but for their jitter. The default is once.
func WithGroupRetry(policy retry.Policy) Option { return func(s *Service) { s.groups = policy } }

// WithRetryAfterMax sets the longest Retry-After that is honoured. The default
// is a minute.
func WithRetryAfterMax(d time.Duration) Option {
	return func(s *Service) { s.retrier.RetryAfterMax = d }
}

// WithRetryBudget bounds the retries of all operations together; 0, the
// default, does not.
func WithRetryBudget(n int) Option { return func(s *Service) { s.retrier.Budget = retry.NewBudget(n) } }

// WithBreaker holds everything back after threshold operations in a row that
// failed for transient reasons, and tries one after the cooldown; 0, the
// default, never does.
func WithBreaker(threshold int, cooldown time.Duration) Option {
	return func(s *Service) { s.retrier.Breaker = retry.NewBreaker(threshold, cooldown) }
}

// WithRandom sets the source of jitter: numbers in [0, 1), safe for concurrent
// use. The default is math/rand/v2.
func WithRandom(random func() float64) Option { return func(s *Service) { s.retrier.Random = random } }

// WithConcurrency sets how many operations are in flight at once; the default
// is 4.
func WithConcurrency(n int) Option { return func(s *Service) { s.concurrency = n } }

// WithOnUserFailure sets what becomes of a group with a user who could not be
// created; the default is SkipGroup.
func WithOnUserFailure(choice OnUserFailure) Option {
	return func(s *Service) { s.onUserFailure = choice }
}

// WithLog sets where operations, attempts and waits are logged.
func WithLog(log *slog.Logger) Option { return func(s *Service) { s.log = log } }

// WithProgress sets what is called after each operation that has ended,
// concurrently.
func WithProgress(ended func()) Option { return func(s *Service) { s.progress = ended } }

func kind(action plan.Action, object plan.Object) string {
	return string(action) + " " + string(object)
}

// UserRetry is the policy of user operations.
func (s *Service) UserRetry() retry.Policy { return s.users }

// GroupRetry is the policy of group operations.
func (s *Service) GroupRetry() retry.Policy { return s.groups }
