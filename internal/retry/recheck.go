package retry

import "context"

type recheckKey struct{}

// WithRecheck returns a context for a write that replaces or deletes what was just
// read. It is sent before requests that wait for their turn. If it is late all the
// same, because the server made the run wait or because the client repeats the
// request, recheck is called first. If recheck fails, the write fails with its error
// and is not sent.
func WithRecheck(ctx context.Context, recheck func(context.Context) error) context.Context {
	return context.WithValue(ctx, recheckKey{}, recheck)
}

// RecheckOf returns the recheck of ctx, or nil.
func RecheckOf(ctx context.Context) func(context.Context) error {
	recheck, _ := ctx.Value(recheckKey{}).(func(context.Context) error)
	return recheck
}
