package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/explain"
)

// WritePeople writes why people are, or are not, in each group.
func WritePeople(w io.Writer, s Sanitizer, style Style, people []*explain.Person) error {
	t := newText(w, s, style)
	for i, person := range people {
		if i > 0 {
			t.printf("\n")
		}
		t.person(person)
	}
	return t.Flush()
}

func (t *text) person(p *explain.Person) {
	t.printf("%s\n", t.colored(bold, t.s.Line(t.s.subject(string(p.Email)))))
	if p.Stated == nil {
		t.printf("  CSV: no row names this person\n")
	} else {
		t.printf("  CSV: %s\n", statusText(p.Stated))
		for _, row := range p.Stated.Rows {
			t.row(row)
		}
	}
	if len(p.Users) == 0 {
		t.printf("  Tenant: no such user\n")
	}
	for _, user := range p.Users {
		t.printf("  Tenant: %s\n", t.userText(user))
		t.printf("    direct roles: %s\n", rolesText(user.Roles))
	}
	if len(p.Groups) == 0 {
		t.printf("  Groups: none\n")
	} else {
		t.printf("  Groups:\n")
	}
	for _, group := range p.Groups {
		t.printf("    %s (%s): %s; ", string(group.Name), rolesText(group.Roles), placeText(group))
		t.printf("%s\n", t.s.ErrorText(group.Outcome))
		if len(group.Grant) > 0 {
			t.printf("      a run would grant it %s\n", rolesText(group.Grant))
		}
		if len(group.Revoke) > 0 {
			t.printf("      a run would revoke %s from it\n", rolesText(group.Revoke))
		}
	}
	for _, does := range p.Does {
		t.printf("  %s\n", t.s.ErrorText(does))
	}
}

func (t *text) row(row directory.Row) {
	if len(row.DNs) == 0 {
		t.printf("    %s: no group\n", rowText(row))
	}
	for _, dn := range row.DNs {
		t.printf("    %s: %s → ", rowText(row), dn.Text)
		switch {
		case dn.Group != "":
			t.printf("%s\n", string(dn.Group))
		case dn.Reason != "":
			t.printf("%s\n", dn.Reason)
		default:
			t.printf("not in scope\n")
		}
	}
}

// rowText returns where a row is.
func rowText(row directory.Row) string {
	return fmt.Sprintf("%s:%d", fileName(row.File), row.Line)
}

// placeText says whether the CSV or the tenant puts the person into a group.
func placeText(group explain.Group) string {
	var rows []string
	for _, row := range group.Rows {
		rows = append(rows, rowText(row))
	}
	csv := "in the CSV (" + strings.Join(rows, ", ") + ")"
	switch {
	case len(rows) > 0 && group.Observed:
		return csv + " and in the tenant"
	case len(rows) > 0:
		return csv + ", not in the tenant"
	}
	return "in the tenant, not in the CSV"
}

func statusText(p *directory.Person) string {
	switch p.Status {
	case directory.Inactive:
		return "inactive"
	case directory.Contradicted:
		return "active in one row and inactive in another"
	case directory.Unclear:
		return fmt.Sprintf("unknown status %q", p.StatusWord)
	}
	return "active"
}

// userText describes a user as far as it may be shown.
func (t *text) userText(user *directory.User) string {
	parts := []string{"user " + t.s.subject(string(user.Username)), directory.KindOf(user.IDMType)}
	if name := strings.TrimSpace(fullName(user.Name)); name != "" && !t.s.MaskEmails {
		parts = append(parts, name)
	}
	if !user.Ordinary() {
		parts = append(parts, strings.ToLower(user.Type)+" user")
	}
	if user.DomainOwner {
		parts = append(parts, "domain owner")
	}
	if user.SyncMode == directory.SyncSCIM {
		parts = append(parts, "synced by SCIM")
	}
	return strings.Join(parts, ", ")
}

func rolesText(roles []directory.Role) string {
	names := directory.RoleNames(roles)
	if len(names) == 0 {
		return "no roles"
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
