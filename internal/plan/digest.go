package plan

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"slices"

	"xc-group-sync/internal/directory"
)

// digest hashes the tenant, its API and every attribute that the operations would
// send. It does not depend on the order of the CSV's rows or of the tenant's
// lists: everything is sorted.
func digest(policy Policy, operations []Operation) string {
	d := &digester{hash: sha256.New()}
	d.texts(policy.Tenant, policy.API)
	for i := range operations {
		d.operation(&operations[i])
	}
	d.flush()
	return "sha256:" + hex.EncodeToString(d.hash.Sum(nil))
}

// digester writes texts and lists prefixed with their lengths, so that no two
// plans are written alike.
type digester struct {
	hash hash.Hash
	buf  []byte
}

func (d *digester) operation(o *Operation) {
	d.texts(string(o.Action), string(o.Object), o.Name())
	switch o.Object {
	case User:
		user := &o.User
		d.texts(string(user.Username), user.Address, user.Name.First, user.Name.Last, user.IDMType, user.Type)
		d.roles(user.Roles)
		sorted(d, user.Groups)
	case Group:
		group := &o.Group
		d.texts(group.DisplayName, group.Description, group.SyncID)
		d.roles(group.Roles)
		sorted(d, group.Usernames) // before the change
		d.roles(o.Roles)
		d.members(o.Add)
		d.members(o.Remove)
		if a := o.Attributes; a != nil {
			d.texts("attributes", a.DisplayName, a.Description, a.SyncID)
		}
	}
}

func (d *digester) members(members []Member) {
	d.length(len(members))
	for i := range members {
		d.texts(cmp.Or(string(members[i].Username), string(members[i].Email)))
	}
}

func (d *digester) roles(roles []directory.Role) {
	d.length(len(roles))
	for _, role := range slices.SortedFunc(slices.Values(roles), directory.Role.Compare) {
		d.texts(role.Namespace, role.Role)
	}
}

func sorted[T ~string](d *digester, texts []T) {
	d.length(len(texts))
	for _, text := range slices.Sorted(slices.Values(texts)) {
		d.texts(string(text))
	}
}

func (d *digester) texts(texts ...string) {
	for _, text := range texts {
		d.length(len(text))
		d.buf = append(d.buf, text...)
	}
	if len(d.buf) > 1<<12 {
		d.flush()
	}
}

func (d *digester) length(n int) { d.buf = binary.AppendUvarint(d.buf, uint64(n)) }

func (d *digester) flush() {
	_, _ = d.hash.Write(d.buf) // a hash cannot fail
	d.buf = d.buf[:0]
}
