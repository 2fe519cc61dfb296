// Package testenv starts real servers for tests: Elasticsearch, Kafka, Redis, RabbitMQ, PostgreSQL, MariaDB, S3 and MongoDB, each as a child process of the test
// with its own data directory. Every server can be killed, stopped, paused and restarted on the port it had, so a test
// sees what a client sees when the real one goes away.
//
// A machine without the tools (mvn and javac, redis-server, rabbitmq-server, initdb, mariadbd or go) skips the test. With MILLRACE_REQUIRE_SERVERS=1, as CI
// sets it, the absence is a failure instead.
package testenv

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// RequireServers is the environment variable that turns a skipped test into a failed one.
const RequireServers = "MILLRACE_REQUIRE_SERVERS"

const (
	// prepareTimeout covers the download of 60 MB of jars and a compilation on a slow machine.
	prepareTimeout = 10 * time.Minute
	// startTimeout is what the servers' own notes ask for on a busy machine.
	startTimeout = 120 * time.Second
)

// An Option changes how a server is started.
type Option func(*options)

type options struct {
	settings []string
	env      []string
	dir      string
	security bool
	user     string
	password string
	tls      *TLS
}

// WithSetting sets a server setting; an empty value takes a default of the start script away.
func WithSetting(key, value string) Option {
	return func(o *options) { o.settings = append(o.settings, key+"="+value) }
}

// WithEnv sets an environment variable of the server, such as ES_HEAP=1g or KAFKA_LOG=info.
func WithEnv(key, value string) Option {
	return func(o *options) { o.env = append(o.env, key+"="+value) }
}

// WithDir keeps the server's files under dir instead of a directory that ends with the test.
func WithDir(dir string) Option {
	return func(o *options) { o.dir = dir }
}

// WithSecurity starts Elasticsearch with its security plugin and this superuser, RabbitMQ with this user, or Redis with
// this password (the user is then ignored). Kafka refuses it: its listeners are configured by settings.
func WithSecurity(user, password string) Option {
	return func(o *options) { o.security, o.user, o.password = true, user, password }
}

// WithTLS serves Elasticsearch over TLS with this certificate, for which it needs WithSecurity, or RabbitMQ on a second port.
func WithTLS(c *TLS) Option {
	return func(o *options) { o.tls = c }
}

func newOptions(opts []Option) *options {
	o := &options{}
	for _, f := range opts {
		f(o)
	}
	return o
}

// missingTools names those of the tools that are not on PATH.
func missingTools(tools ...string) []string {
	var missing []string
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			missing = append(missing, tool)
		}
	}
	return missing
}

// requireTools skips the test, or fails it where servers are required, unless all tools are on PATH.
func requireTools(t testing.TB, server string, tools ...string) {
	t.Helper()
	missing := missingTools(tools...)
	if len(missing) == 0 {
		return
	}
	msg := fmt.Sprintf("%s for tests needs %s on PATH", server, strings.Join(missing, " and "))
	if os.Getenv(RequireServers) == "1" {
		t.Fatalf("%s, and %s=1 forbids to skip", msg, RequireServers)
	}
	t.Skipf("%s (set %s=1 to fail instead)", msg, RequireServers)
}

// moduleRoot is the directory of go.mod above the working directory, which `go test` sets to the package's folder.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("finding the module root: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("finding the module root: no go.mod above the working directory")
		}
		dir = parent
	}
}

// script returns the path of a start script below internal/testenv.
func script(elem ...string) (string, error) {
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	return filepath.Join(append([]string{root, "internal", "testenv"}, elem...)...), nil
}

// dataDir is the directory that the options name, or one that lives as long as the test.
func (o *options) dataDir(t testing.TB) string {
	if o.dir != "" {
		return o.dir
	}
	return t.TempDir()
}
