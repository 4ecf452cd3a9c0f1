//go:build !linux

package server

import (
	"errors"
	"fmt"
)

// newLoops reports that there are no event loops here.
func newLoops(*Server) (driver, error) {
	return nil, fmt.Errorf("event loops: %w", errors.ErrUnsupported)
}
