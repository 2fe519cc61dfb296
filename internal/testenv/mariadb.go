package testenv

import (
	"net"
	"os/exec"
	"strconv"
	"strings"
)

// SharedMariaDB describes a MariaDB server to share; nothing is started yet.
func SharedMariaDB() *SharedDatabase {
	return &SharedDatabase{name: "MariaDB", scheme: "mariadb", find: findMariaDB, new: newMariaDB}
}

// findMariaDB returns the server's program, which Debian has where only root looks.
func findMariaDB() (program, missing string) {
	if missingTools("mariadb-install-db") != nil {
		return "", "mariadb-install-db, of the package mariadb-server"
	}
	for _, program := range []string{"mariadbd", "/usr/sbin/mariadbd"} {
		if path, err := exec.LookPath(program); err == nil {
			return path, ""
		}
	}
	return "", "mariadbd, of the package mariadb-server"
}

// mariadbScript makes a data directory, if there is none, and becomes the server.
const mariadbScript = `set -e
server=$0 dir=$1 port=$2 user=$3 password=$4
if [ ! -e "$dir/data" ]; then
  mariadb-install-db --no-defaults --user="$(id -un)" --datadir="$dir/data" --skip-test-db --auth-root-authentication-method=normal >/dev/null
  quoted=$(printf %s "$password" | sed "s/\\\\/&&/g; s/'/&&/g")
  printf "CREATE DATABASE IF NOT EXISTS test;\nCREATE USER IF NOT EXISTS '%s'@'%%' IDENTIFIED BY '%s';\nGRANT ALL ON *.* TO '%s'@'%%' WITH GRANT OPTION;\n" \
    "$user" "$quoted" "$user" >"$dir/init.sql"
fi
exec "$server" --no-defaults --user="$(id -un)" --datadir="$dir/data" --port="$port" --bind-address=127.0.0.1 --socket="$dir/s" --pid-file="$dir/pid" \
  --init-file="$dir/init.sql" --skip-name-resolve --innodb-flush-log-at-trx-commit=2 --innodb-log-file-size=8M --innodb-buffer-pool-size=16M \
  --character-set-server=utf8mb4`

func newMariaDB(program, dir string) *server {
	return &server{
		name: "MariaDB",
		command: func(port int) []string {
			return []string{"sh", "-c", mariadbScript, program, dir, strconv.Itoa(port), databaseUser, databasePassword}
		},
		address: func(line string, port int) string {
			if !strings.Contains(line, "ready for connections") {
				return ""
			}
			return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		},
	}
}
