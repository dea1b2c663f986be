package simulator

// Sample is the tenant of --simulate: a company with single sign-on, and one
// of each thing that a sync must be careful with. Each call returns new slices.
func Sample() ([]User, []Group) {
	users := []User{
		{Email: "admin@example.com", FirstName: "Tenant", LastName: "Owner", IDMType: idmLocal, DomainOwner: true},
		{Email: "ci-pipeline@example.com", FirstName: "CI", LastName: "Pipeline", IDMType: idmLocal, Type: "SERVICE"},
		{Email: "ada.lovelace@example.com", FirstName: "Ada", LastName: "Lovelace"},
		{Email: "alan.turing@example.com", Name: "aturing", FirstName: "Alan", LastName: "Turing"},
		{Email: "barbara.liskov@example.com", FirstName: "Barbara", LastName: "Liskov"},
		{Email: "donald.knuth@example.com", FirstName: "Donald", LastName: "Knuth"},
		{Email: "edsger.dijkstra@example.com", FirstName: "Edsger", LastName: "Dijkstra"},
		{Email: "grace.hopper@example.com", Name: "Grace.Hopper@example.com", FirstName: "Grace", LastName: "Hopper"},
		{Email: "john.backus@example.com", FirstName: "John", LastName: "Backus", Disabled: true},
		{Email: "katherine.johnson@example.com", FirstName: "Katherine", LastName: "Johnson"},
		{Email: "margaret.hamilton@example.com", FirstName: "Margaret", LastName: "Hamilton"},
		{Email: "radia.perlman@example.com", FirstName: "Radia", LastName: "Perlman", SyncMode: modeSCIM},
	}
	users[0].NamespaceRoles = []Role{{Namespace: "*", Role: "ves-io-admin-role"}}
	users[1].NamespaceRoles = []Role{{Namespace: "production", Role: "ves-io-power-developer-role"}}

	groups := []Group{
		{
			Name: "xc-auditors", DisplayName: "XC-Auditors",
			Usernames:      []string{"donald.knuth@example.com", "john.backus@example.com"},
			NamespaceRoles: []Role{{Namespace: "*", Role: "ves-io-monitor-role"}},
		},
		{
			Name: "xc-legacy-vpn", DisplayName: "XC-Legacy-VPN", Description: "Kept for the child tenants.",
			Usernames:       []string{"katherine.johnson@example.com"},
			ReferencesCount: map[string]int{"ves.io.schema.tenant_management.child_tenant_manager.Object": 1},
		},
		{
			Name: "xc-network-operators", DisplayName: "XC-Network-Operators", Description: "Managed by xc-group-sync",
			Usernames:      []string{"aturing", "edsger.dijkstra@example.com", "radia.perlman@example.com"},
			NamespaceRoles: []Role{{Namespace: "production", Role: "ves-io-power-developer-role"}},
		},
		{
			Name: "xc-platform-admins", DisplayName: "Platform administrators", Description: "Full access to every namespace.",
			Usernames:      []string{"admin@example.com", "ada.lovelace@example.com", "Grace.Hopper@example.com"},
			NamespaceRoles: []Role{{Namespace: system, Role: "ves-io-admin-role"}, {Namespace: "*", Role: "ves-io-admin-role"}},
			SyncID:         "xc-platform-admins-5f2b",
		},
		{
			Name: "xc-security-analysts", DisplayName: "XC-Security-Analysts", Description: "Security operations, on call.",
			Usernames:      []string{"barbara.liskov@example.com", "Grace.Hopper@example.com"},
			NamespaceRoles: []Role{{Namespace: "*", Role: "ves-io-monitor-role"}},
			SyncID:         "xc-security-analysts-91ce",
		},
		{
			Name: "scim-contractors", DisplayName: "Contractors", Description: "Synced by the identity provider.",
			Usernames: []string{"radia.perlman@example.com"},
			SyncID:    "scim-contractors-07aa", SyncMode: modeSCIM,
		},
	}
	return users, groups
}
