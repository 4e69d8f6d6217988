// Package command holds the vocabulary that all slices of the state share: who
// asks for a change, when, and which stored keys a decision has read.
package command

// AccountID is a 12-digit AWS account id. The zero value names no account.
type AccountID string
