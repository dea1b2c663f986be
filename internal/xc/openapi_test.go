package xc_test

import (
	"testing"

	"xc-group-sync/internal/openapitest"
	"xc-group-sync/internal/simulator"
	"xc-group-sync/internal/xc"
)

// Every request that the client can send, and what the embedded tenant
// answers, is as F5 documents it.
func TestAsDocumented(t *testing.T) {
	t.Parallel()
	checker := openapitest.Load(t)
	for _, operation := range operations {
		t.Run(operation.name, func(t *testing.T) {
			t.Parallel()
			for _, state := range []*simulator.Tenant{simulator.New(nil, nil), simulator.New(simulator.Sample()), existing()} {
				c := xc.New(xc.Options{BaseURL: "https://tenant.example", Token: token, Transport: checker.Transport(t, state)})
				_ = operation.do(c, t.Context()) // refusals are checked, too
			}
		})
	}
}

// existing is a tenant that holds what the operations are about.
func existing() *simulator.Tenant {
	return simulator.New(
		[]simulator.User{{Email: "ann@example.com", Name: "ann"}, {Email: "bob@example.com"}},
		[]simulator.Group{{Name: "ops", Usernames: []string{"ann"}}})
}

// If the tenant holds what is needed, every operation succeeds, and the client
// understands the response.
func TestOverTheSimulator(t *testing.T) {
	t.Parallel()
	fails := map[string]bool{"create user": true, "create group": true} // they exist
	for _, operation := range operations {
		t.Run(operation.name, func(t *testing.T) {
			t.Parallel()
			c := xc.New(xc.Options{BaseURL: "https://tenant.example", Token: token, Transport: existing()})
			if err := operation.do(c, t.Context()); (err != nil) != fails[operation.name] {
				t.Error(err)
			}
		})
	}
}
