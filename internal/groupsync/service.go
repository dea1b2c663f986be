// Package groupsync is the sync service: it carries out a plan through a
// repository, concurrently, users before the groups that need them and deletions
// last, and returns the outcome of each operation. It does not print.
package groupsync

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/plan"
	"xc-group-sync/internal/retry"
)

// Repository is the tenant a plan is carried out on. Its errors carry a
// retry.Fault that says what they mean; an error without one is permanent. It is
// called concurrently.
type Repository interface {
	Users(context.Context) ([]directory.User, error)
	// CreateUser returns the username that the tenant gave the user, or "" if it
	// does not say.
	CreateUser(context.Context, directory.User) (directory.Username, error)
	ReplaceUser(context.Context, directory.User) error
	DeleteUser(context.Context, directory.User) error

	// Group reads a group; Usernames is nil if the tenant does not say.
	Group(context.Context, directory.GroupName) (directory.Group, error)
	CreateGroup(context.Context, directory.Group) error
	ReplaceGroup(context.Context, directory.Group) error
	DeleteGroup(context.Context, directory.GroupName) error

	// AssignRoles adds roles to those of a group, RemoveRoles removes these and no
	// others.
	AssignRoles(context.Context, directory.GroupName, []directory.Role) error
	RemoveRoles(context.Context, directory.GroupName, []directory.Role) error

	// AddToGroup and RemoveFromGroup write one membership.
	AddToGroup(context.Context, directory.Username, directory.GroupName) error
	RemoveFromGroup(context.Context, directory.Username, directory.GroupName) error
}

// OnUserFailure says what to do with a group that needs a user who could not be
// created.
type OnUserFailure string

// The choices.
const (
	SkipGroup OnUserFailure = "skip-group" // it is left alone and counts as failed
	SyncRest  OnUserFailure = "sync-rest"  // it is synced without that user
)

// MembershipWrites says how the members of an existing group are written.
type MembershipWrites string

// The choices.
const (
	ReplaceMembers MembershipWrites = "replace" // the whole group with the new list
	SingleMembers  MembershipWrites = "single"  // one person at a time, where that costs less
)

// Options are the settings of a Service. The zero value of each is documented
// with it; together they are the defaults of the specification: the creation of a
// user is tried 3 times with waits of 1 s and 2 s (FR-RETRY-001), group operations
// are tried once (FR-RETRY-004).
type Options struct {
	// UserRetry is the policy of user operations. Its fields are the parameters
	// of the specification's constructor (FR-RETRY-001), with their defaults:
	//
	//	retry_attempts      Attempts    3    total, the first included
	//	backoff_multiplier  Multiplier  1 s  the first wait, doubled for each further one
	//	backoff_min         Min         1 s  the shortest wait
	//	backoff_max         Max         4 s  the longest wait but for a Retry-After
	//
	// The zero Policy means retry.Default, which has these defaults. To change
	// one of them, start from there:
	//
	//	policy := retry.Default()
	//	policy.Attempts = 5
	//	service := groupsync.New(repository, groupsync.Options{UserRetry: policy})
	UserRetry retry.Policy
	// GroupRetry is the policy of group operations. The zero Policy tries once.
	GroupRetry retry.Policy
	// RetryAfterMax is the longest Retry-After that is honored; a longer one ends
	// the retries. Zero honors none.
	RetryAfterMax time.Duration
	// RetryBudget limits the retries of all operations together; 0 means no
	// limit.
	RetryBudget int
	// BreakerThreshold is how many operations in a row may fail for
	// transient reasons before the rest is held back; 0 never holds anything
	// back.
	BreakerThreshold int
	// BreakerCooldown is the time until one operation is tried again.
	BreakerCooldown time.Duration
	// Concurrency is how many operations are in flight at once; 0 means 4.
	Concurrency int
	// OnUserFailure says what to do with a group that needs a user who could not
	// be created; empty means SkipGroup.
	OnUserFailure OnUserFailure
	// MembershipWrites says how the members of existing groups are written; empty
	// means ReplaceMembers.
	MembershipWrites MembershipWrites
	// Log receives operations, attempts and waits; nil logs nothing.
	Log *slog.Logger
	// Progress is called after each operation that has ended, concurrently; nil
	// is not called.
	Progress func()
	// Random is the source of jitter: numbers in [0, 1), safe for concurrent use;
	// nil means math/rand/v2.
	Random func() float64
}

// Service carries out a plan. Make one for each run with New: the budget, the
// breaker and the figures belong to one run.
type Service struct {
	repository Repository
	options    Options // with defaults in place of zero values, except for MembershipWrites and Random
	retrier    retry.Retrier
	metrics    map[string]*retry.Metrics // by kind of operation, such as "create user"
}

// New returns a service over the repository.
func New(repository Repository, options Options) *Service {
	if options.UserRetry == (retry.Policy{}) {
		options.UserRetry = retry.Default()
	}
	options.Concurrency = cmp.Or(options.Concurrency, 4)
	options.OnUserFailure = cmp.Or(options.OnUserFailure, SkipGroup)
	options.Log = cmp.Or(options.Log, slog.New(slog.DiscardHandler))
	if options.Progress == nil {
		options.Progress = func() {}
	}
	s := &Service{
		repository: repository,
		options:    options,
		retrier: retry.Retrier{
			RetryAfterMax: options.RetryAfterMax,
			Budget:        retry.NewBudget(options.RetryBudget),
			Breaker:       retry.NewBreaker(options.BreakerThreshold, options.BreakerCooldown),
			Log:           options.Log.With("layer", "service"),
			Random:        options.Random,
		},
		metrics: map[string]*retry.Metrics{},
	}
	for _, kind := range plan.Kinds() {
		s.metrics[kind.String()] = new(retry.Metrics)
	}
	return s
}

// UserRetry returns the policy of user operations.
func (s *Service) UserRetry() retry.Policy { return s.options.UserRetry }
