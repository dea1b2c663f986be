// Package directory is the vocabulary that the other packages share: people,
// emails, DNs, groups, as the CSV desires them and as the tenant holds them.
// Constructors normalize, so that values that mean the same are equal. It imports
// no other package of this module and does no I/O.
package directory
