//go:build !linux && !darwin && !freebsd

package command

import "errors"

// diskSpace cannot be told here, so no reserve is kept.
func diskSpace(string) (free, total int64, err error) { return 0, 0, errors.ErrUnsupported }
