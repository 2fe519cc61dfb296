package engine

import (
	"fmt"

	"millrace/internal/store/query"
)

// fullError puts query.ErrFull into the chain of an error that says that there is no room on the disk.
func fullError(err error) error {
	if err != nil && noSpace(err) {
		return fmt.Errorf("%w: %w", query.ErrFull, err)
	}
	return err
}
