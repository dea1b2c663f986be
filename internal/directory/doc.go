// Package directory is the vocabulary that the other rooms share: people,
// e-mails, DNs, groups, as the CSV desires them and as the tenant holds them.
// Constructors normalise, so that two values which mean the same are equal.
// It imports none of ours and does no I/O.
package directory
