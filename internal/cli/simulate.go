package cli

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"xc-group-sync/internal/config"
	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/export"
	"xc-group-sync/internal/roster"
	"xc-group-sync/internal/simulator"
)

// faultSeed makes simulate-faults fail the same requests each time.
const faultSeed = 1

// simulate starts the embedded tenant on loopback.
func simulate(c *config.Config) (base string, stop func(), err error) {
	users, groups := simulator.Sample()
	if len(c.SimulateState) > 0 {
		observed, err := readState(c.SimulateState)
		if err != nil {
			return "", nil, fmt.Errorf("simulate-state: %w", err)
		}
		users, groups = simulatedUsers(observed.Users), simulatedGroups(observed.Groups)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("simulate: %w", err)
	}
	server := &http.Server{
		Handler:           simulator.New(users, groups, simulator.WithFaults(c.SimulateFaults, faultSeed)),
		ReadHeaderTimeout: time.Minute,
		ErrorLog:          log.New(io.Discard, "", 0),
	}
	go func() { _ = server.Serve(listener) }()
	return "http://" + listener.Addr().String(), func() { _ = server.Close() }, nil
}

// readState reads what the embedded tenant holds: a snapshot, or a CSV and a
// policy file as export writes them, in either order.
func readState(paths []string) (*directory.Observed, error) {
	isPolicy := func(path string) bool {
		return slices.Contains([]string{".yml", ".yaml"}, strings.ToLower(filepath.Ext(path)))
	}
	first := slices.IndexFunc(paths, func(path string) bool { return !isPolicy(path) })
	if first < 0 || len(paths) > 2 || len(paths) == 2 && !isPolicy(paths[1-first]) {
		return nil, errors.New("must be a snapshot, or a CSV and its policy file (.yml)")
	}
	path := paths[first]
	content, err := config.ReadFile(path, maxFile)
	if err != nil {
		return nil, err
	}
	if len(paths) == 1 && isObject(content) {
		snapshot, err := parseSnapshot(content)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return snapshot.Observed(), nil
	}
	args := []string{"--simulate", "--csv=" + path}
	if len(paths) == 2 {
		args = append(args, "--policy="+paths[1-first])
	}
	c, err := config.Load(config.Plan, args, func(string) string { return "" })
	if err != nil {
		return nil, err
	}
	desired, err := roster.Read(bytes.NewReader(content), c.Roster)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return export.Tenant(desired, c.Policy), nil
}

// owner is the domain owner, and so the caller, of a tenant whose state has none.
const owner = "owner@simulated.invalid"

func simulatedUsers(users []directory.User) []simulator.User {
	var all []simulator.User
	if !slices.ContainsFunc(users, func(user directory.User) bool { return user.DomainOwner }) {
		all = append(all, simulator.User{Email: owner, FirstName: "Domain", LastName: "Owner", IDMType: directory.IDMLocal, DomainOwner: true})
	}
	for _, user := range users {
		all = append(all, simulator.User{
			Email: cmp.Or(user.Address, string(user.Email)), Name: string(user.Username), FirstName: user.Name.First, LastName: user.Name.Last,
			IDMType: user.IDMType, Type: user.Type, SyncMode: user.SyncMode, DomainOwner: user.DomainOwner, NamespaceRoles: simulatedRoles(user.Roles),
		})
	}
	return all
}

func simulatedGroups(groups []directory.Group) []simulator.Group {
	var all []simulator.Group
	for _, group := range groups {
		usernames := make([]string, len(group.Usernames))
		for i, username := range group.Usernames {
			usernames[i] = string(username)
		}
		all = append(all, simulator.Group{
			Name: string(group.Name), DisplayName: group.DisplayName, Description: group.Description, Usernames: usernames,
			NamespaceRoles: simulatedRoles(group.Roles), SyncID: group.SyncID, SyncMode: group.SyncMode, ReferencesCount: group.References,
		})
	}
	return all
}

func simulatedRoles(roles []directory.Role) []simulator.Role {
	all := make([]simulator.Role, len(roles))
	for i, role := range roles {
		all[i] = simulator.Role{Namespace: role.Namespace, Role: role.Role}
	}
	return all
}
