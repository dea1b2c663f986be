package simulator

// Sample is the tenant of --simulate: a company with single sign-on, and one
// of each thing that a sync must be careful with. The groups that
// testdata/sample.csv names belong to the program; of the other two one is made
// by hand. Each call returns new slices.
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
	users[5].NamespaceRoles = []Role{{Namespace: "payments", Role: "ves-io-waap-monitor-role"}}
	users[6].NamespaceRoles = []Role{{Namespace: "staging", Role: "ves-io-power-developer-role"}}

	const managed = "Managed by xc-group-sync"
	groups := []Group{
		{
			Name: "xc-auditors", DisplayName: "XC-Auditors", Description: managed,
			Usernames: []string{"donald.knuth@example.com", "john.backus@example.com"},
			NamespaceRoles: []Role{
				{Namespace: system, Role: "ves-io-monitor-role"},
				{Namespace: "payments", Role: "ves-io-waap-monitor-role"},
			},
		},
		{
			Name: "xc-incident-response", DisplayName: "Incident response", Description: "Made by hand, on call.",
			Usernames:      []string{"katherine.johnson@example.com", "margaret.hamilton@example.com"},
			NamespaceRoles: []Role{{Namespace: "*", Role: "ves-io-power-developer-role"}},
		},
		{
			Name: "xc-legacy-vpn", DisplayName: "XC-Legacy-VPN", Description: managed + ", kept for the child tenants.",
			Usernames:       []string{"katherine.johnson@example.com"},
			ReferencesCount: map[string]int{"ves.io.schema.tenant_management.child_tenant_manager.Object": 1},
		},
		{
			Name: "xc-network-operators", DisplayName: "XC-Network-Operators", Description: managed,
			Usernames:      []string{"aturing", "edsger.dijkstra@example.com", "radia.perlman@example.com"},
			NamespaceRoles: []Role{{Namespace: "production", Role: "ves-io-power-developer-role"}},
		},
		{
			Name: "xc-platform-admins", DisplayName: "Platform administrators", Description: managed,
			Usernames:      []string{"admin@example.com", "ada.lovelace@example.com", "Grace.Hopper@example.com"},
			NamespaceRoles: []Role{{Namespace: "*", Role: "ves-io-admin-role"}},
			SyncID:         "xc-platform-admins-5f2b",
		},
		{
			Name: "xc-security-analysts", DisplayName: "XC-Security-Analysts", Description: managed,
			Usernames: []string{"barbara.liskov@example.com", "Grace.Hopper@example.com"},
			NamespaceRoles: []Role{
				{Namespace: "*", Role: "ves-io-monitor-role"},
				{Namespace: "production", Role: "ves-io-waap-admin-role"},
			},
			SyncID: "xc-security-analysts-91ce",
		},
		{
			Name: "scim-contractors", DisplayName: "Contractors", Description: "Synced by the identity provider.",
			Usernames:      []string{"radia.perlman@example.com"},
			NamespaceRoles: []Role{{Namespace: "staging", Role: "ves-io-default-role"}},
			SyncID:         "scim-contractors-07aa", SyncMode: modeSCIM,
		},
	}
	return users, groups
}
