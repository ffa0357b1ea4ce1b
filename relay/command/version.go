package command

import (
	"context"
	"fmt"
	"runtime"
)

// version prints what this program is.
func version(_ context.Context, e *Env) error {
	_, err := fmt.Fprintf(e.Out, "restante %s, %s, %s/%s\n", e.Program.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
