// Command s3 is a real S3 server for tests: the gateway of Versity on a folder. It is a module of its own, so that what it depends on is no concern of the
// program's.
//
//	s3 HOST:PORT FOLDER
//
// The keys are those of the environment, S3_ACCESS_KEY and S3_SECRET_KEY.
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: s3 HOST:PORT FOLDER")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := serve(ctx, os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "s3:", err)
		os.Exit(1)
	}
}

// serve runs the server until ctx ends. Facts about objects lie in files beside them, as not every file system has extended attributes.
func serve(ctx context.Context, address, folder string) error {
	folder, err := filepath.Abs(folder) // the server compares paths
	if err != nil {
		return err
	}
	objects, facts := filepath.Join(folder, "objects"), filepath.Join(folder, "facts")
	for _, dir := range []string{objects, facts} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	beside, err := meta.NewSideCar(facts)
	if err != nil {
		return err
	}
	back, err := posix.New(objects, beside, posix.PosixOpts{SideCarDir: facts, Concurrency: 64, ForceNoTmpFile: true, CopyObjectThreshold: 5 << 30})
	if err != nil {
		return err
	}
	go announce(ctx, address)
	return embedgw.RunVersityGW(ctx, back, &embedgw.Config{
		RootUserAccess: os.Getenv("S3_ACCESS_KEY"), RootUserSecret: os.Getenv("S3_SECRET_KEY"), Ports: []string{address},
		MaxConnections: 1000, MaxRequests: 500, MultipartMaxParts: 10000, Quiet: true, KeepAlive: true,
	})
}

// announce says that the server is ready once it takes connections.
func announce(ctx context.Context, address string) {
	for ctx.Err() == nil {
		c, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			_ = c.Close()
			fmt.Println("READY", address)
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}
