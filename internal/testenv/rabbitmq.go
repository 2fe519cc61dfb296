package testenv

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"millrace/internal/childproc"
)

// rabbitProgram is the start script below Debian's wrapper, which changes to a user and a folder of its own.
const rabbitProgram = "/usr/lib/rabbitmq/bin/rabbitmq-server"

// RabbitServer is a real RabbitMQ server of one node.
type RabbitServer struct {
	Handle
	// User and Password are what WithSecurity asked for, or guest.
	User, Password string
	// TLSPort is the port for encrypted connections, 0 without WithTLS.
	TLSPort int
}

// Rabbit starts a server that ends with the test. Its settings are lines of rabbitmq.conf.
func Rabbit(t testing.TB, opts ...Option) *RabbitServer {
	t.Helper()
	requireTools(t, "RabbitMQ", rabbitProgram, "epmd")
	o := newOptions(opts)
	r := &RabbitServer{User: "guest", Password: "guest"}
	if o.security {
		r.User, r.Password = o.user, o.password
	}
	dir := o.dataDir(t)
	if o.tls != nil {
		r.TLSPort = FreePort(t)
	}
	s := &server{name: "RabbitMQ", port: FreePort(t)}
	if err := r.configure(o, s, dir); err != nil {
		t.Fatal(err)
	}
	mapper, node := FreePort(t), FreePort(t)
	startPortMapper(t, mapper)
	s.command = func(int) []string { return []string{rabbitProgram} }
	s.env = append(rabbitEnv(dir, mapper, node), o.env...)
	s.address = func(line string, port int) string {
		if !strings.Contains(line, "Server startup complete") {
			return ""
		}
		return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	}
	r.Handle = run(t, s)
	return r
}

// configure writes the files that the server reads.
func (r *RabbitServer) configure(o *options, s *server, dir string) error {
	conf := []string{
		fmt.Sprintf("listeners.tcp.1 = 127.0.0.1:%d", s.port),
		"log.console = true", "log.console.level = info", "log.file = false",
		"default_user = " + r.User, "default_pass = " + r.Password,
	}
	files := map[string][]byte{"enabled_plugins": []byte("[].\n"), "rabbitmq-env.conf": nil}
	if o.tls != nil {
		conf = append(conf, fmt.Sprintf("listeners.ssl.1 = 127.0.0.1:%d", r.TLSPort))
		for option, pem := range map[string][]byte{"cacertfile": o.tls.CA.PEM, "certfile": o.tls.CertPEM, "keyfile": o.tls.KeyPEM} {
			files[option+".pem"] = pem
			conf = append(conf, fmt.Sprintf("ssl_options.%s = %s", option, filepath.Join(dir, option+".pem")))
		}
	}
	for _, setting := range o.settings {
		k, v, _ := strings.Cut(setting, "=")
		conf = append(conf, k+" = "+v)
	}
	files["rabbitmq.conf"] = []byte(strings.Join(conf, "\n") + "\n")
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			return fmt.Errorf("configuring RabbitMQ: %w", err)
		}
	}
	return nil
}

// rabbitEnv keeps the server's files in dir, and its node apart from all others of the machine: its name is known to a port mapper of its own.
func rabbitEnv(dir string, mapper, node int) []string {
	at := func(name string) string { return filepath.Join(dir, name) }
	return []string{
		"HOME=" + dir, // of Erlang's cookie
		"ERL_EPMD_PORT=" + strconv.Itoa(mapper), "ERL_EPMD_ADDRESS=127.0.0.1",
		"RABBITMQ_NODENAME=test@localhost", "RABBITMQ_DIST_PORT=" + strconv.Itoa(node),
		"RABBITMQ_MNESIA_BASE=" + at("mnesia"), "RABBITMQ_LOG_BASE=" + at("log"), "RABBITMQ_LOGS=-",
		"RABBITMQ_CONFIG_FILE=" + at("rabbitmq.conf"), "RABBITMQ_CONF_ENV_FILE=" + at("rabbitmq-env.conf"),
		"RABBITMQ_ENABLED_PLUGINS_FILE=" + at("enabled_plugins"), "RABBITMQ_PID_FILE=" + at("pid"),
		"RUNNING_UNDER_SYSTEMD=1", // the script becomes the server, and is not a shell before it that a signal would end alone
	}
}

// startPortMapper runs the program by which Erlang's nodes find each other until the test ends. Without it the server would start one that stays.
func startPortMapper(t testing.TB, port int) {
	t.Helper()
	p, err := childproc.Launch("epmd", []string{"epmd", "-d", "-port", strconv.Itoa(port), "-address", "127.0.0.1"}, nil, startTimeout,
		func(line string) bool { return strings.Contains(line, "epmd running") })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
}
