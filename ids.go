package main

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/hex"
	"strings"
)

// newID is the name of a run: eight lower-case letters and digits, easy to read aloud and to type.
func newID() string {
	return strings.ToLower(base32.StdEncoding.EncodeToString(randomBytes(5)))
}

// newToken is a console token: 32 random bytes in hex.
func newToken() string { return hex.EncodeToString(randomBytes(32)) }

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}
