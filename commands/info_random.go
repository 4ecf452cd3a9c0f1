package commands

import (
	"crypto/rand"
	"encoding/hex"
)

// randomHex returns n random bytes in hex digits.
func randomHex(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails: crypto/rand ends the process instead
	return hex.EncodeToString(b)
}
