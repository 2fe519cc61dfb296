package childproc

import (
	"context"
	"os/exec"
	"syscall"
	"time"
)

// Shell returns a command that sh runs in a process group of its own. When ctx ends the group is told to end, and what holds on to the
// command's output after limit is killed. release is to be called when the command has been waited for.
func Shell(ctx context.Context, text string, limit time.Duration) (cmd *exec.Cmd, release func()) {
	cmd = exec.CommandContext(ctx, "sh", "-c", text)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var kill *time.Timer
	cmd.Cancel = func() error {
		kill = time.AfterFunc(limit, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
		return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
	}
	cmd.WaitDelay = limit + killTime
	return cmd, func() {
		if kill != nil {
			kill.Stop()
		}
	}
}

// killTime is more than the system takes to end a group that is killed.
const killTime = time.Second
