package testenv

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// SharedPostgres describes a PostgreSQL server to share; nothing is started yet.
func SharedPostgres() *SharedDatabase {
	return &SharedDatabase{name: "PostgreSQL", scheme: "postgresql", find: findPostgres, new: newPostgres}
}

// findPostgres returns the directory of the programs, which Debian has beside PATH.
func findPostgres() (dir, missing string) {
	if path, err := exec.LookPath("initdb"); err == nil {
		dir = filepath.Dir(path)
	} else if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb"); len(found) > 0 {
		dir = filepath.Dir(found[len(found)-1])
	} else {
		return "", "initdb, of the package postgresql"
	}
	if os.Geteuid() == 0 {
		if tools := missingTools("setpriv"); tools != nil {
			return "", "setpriv, as it refuses to run as root"
		}
	}
	return dir, ""
}

// postgresScript makes a cluster, if there is none, and a database, and becomes the server. "$@" is what runs a program as another user. The
// processes of a server that was killed, which have groups of their own, take a moment to notice; the next does not start before.
const postgresScript = `set -e
bin=$0 dir=$1 port=$2 user=$3; shift 3
if [ ! -e "$dir/data" ]; then
  "$@" "$bin/initdb" --no-sync -A scram-sha-256 -U "$user" --pwfile="$dir/password" -E UTF8 --locale=C -D "$dir/data"
  echo 'CREATE DATABASE test' | "$@" "$bin/postgres" --single -D "$dir/data" postgres >/dev/null
fi
n=0
while [ $n -lt 300 ] && ls -l /proc/[0-9]*/cwd 2>/dev/null | grep -q " $dir/data\$"; do sleep 0.1; n=$((n+1)); done
exec "$@" "$bin/postgres" -D "$dir/data" -p "$port" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
  -c fsync=off -c full_page_writes=off -c max_connections=50`

func newPostgres(programs, dir string) *server {
	as := []string{"env"}
	_ = os.WriteFile(filepath.Join(dir, "password"), []byte(databasePassword+"\n"), 0o644) // the server fails to start without it
	_ = os.Chmod(dir, 0o755)
	if os.Geteuid() == 0 {
		// Nobody's it must not be, as it is many programs'; the package makes a user. The signal that ends the server with the test does not
		// outlive a change of the user.
		as = []string{"setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--pdeathsig=KILL"}
		_ = os.Chmod(dir, 0o777)
	}
	return &server{
		name: "PostgreSQL",
		command: func(port int) []string {
			return append([]string{"sh", "-c", postgresScript, programs, dir, strconv.Itoa(port), databaseUser}, as...)
		},
		address: func(line string, port int) string {
			if !strings.Contains(line, "database system is ready to accept connections") {
				return ""
			}
			return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		},
	}
}
