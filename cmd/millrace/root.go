package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"millrace/pipeline"
	"millrace/pipeline/plugin"
)

// exitError is an error that was told already and ends the program with a code.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit %d", int(e)) }

// program is what the sub-commands share.
type program struct {
	reg      *plugin.Registry
	out, err io.Writer

	deadLetterQueues map[string]*pipeline.DeadLetters // by folder
}

// execute runs the command line args, args[0] being the name of the program, and returns the exit code: 0, or 1 for whatever went
// wrong, as Logstash's.
func execute(reg *plugin.Registry, args []string, stdout, stderr io.Writer) int {
	p := &program{reg: reg, out: stdout, err: stderr}
	root := p.rootCommand(filepath.Base(args[0]))
	root.SetArgs(logstashArgs(args[1:]))
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.Execute()
	var code exitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	}
	_, _ = fmt.Fprintf(stderr, "ERROR: %v\n\nSee: '%s --help'\n", err, root.Name())
	return 1
}

// logstashArgs turns what only Logstash's command line takes into what ours does: the leading word agent of 2.x, -vv. A container's
// command may also begin with the name of the program, which a shell's entrypoint would run: an image from scratch has no shell.
func logstashArgs(args []string) []string {
	if len(args) > 0 && (args[0] == "logstash" || args[0] == "millrace" || strings.HasSuffix(args[0], "/bin/logstash")) {
		args = args[1:]
	}
	if len(args) > 0 && args[0] == "agent" {
		args = args[1:]
	}
	out := make([]string, 0, len(args))
	for _, a := range args {
		switch a {
		case "-vv", "--debug":
			a = "--log.level=debug"
		case "--verbose", "-v":
			a = "--log.level=info"
		case "--quiet":
			a = "--log.level=error"
		case "--configtest":
			a = "--config.test_and_exit"
		}
		out = append(out, a)
	}
	return out
}

func (p *program) rootCommand(name string) *cobra.Command {
	var o runOptions
	root := &cobra.Command{
		Use:   name,
		Short: "Millrace ships logs: Logstash's pipelines in one small binary.",
		Long: `Millrace ships logs: it reads Logstash's pipeline files, settings and flags, and runs them in one small binary.

Without a configuration it listens on TCP port 9000, keeps what arrives in an embedded store, and shows it on the page at http://127.0.0.1:9600.`,
		Example: "  " + name + " -f pipeline.conf\n  " + name + ` -e 'input { tcp { port => 9000 } } output { elasticsearch { hosts => ["elasticsearch"] } }'`,
		Args:    cobra.NoArgs, SilenceErrors: true, SilenceUsage: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
		RunE:              func(cmd *cobra.Command, _ []string) error { return p.run(cmd.Context(), &o, cmd.Flags()) },
	}
	if name == "logstash" {
		root.Short = "Millrace in the place of Logstash."
	}
	o.flags(root.Flags())
	root.AddCommand(p.testCommand())
	root.AddCommand(p.fmtCommand())
	root.AddCommand(p.explainCommand())
	root.AddCommand(p.tapCommand(), p.topCommand(), p.profileCommand())
	root.AddCommand(p.checkCommand(), p.pluginsCommand(), p.grokCommand(), p.queueCommand(), p.dlqCommand(), p.healthcheckCommand(), p.versionCommand())
	return root
}

// runOptions are the flags of the root command. A flag whose name is that of a setting has precedence over the files.
type runOptions struct {
	configs []string // -f; the last one counts, as in Logstash
	test    bool
	version bool
	set     []string
	reload  bool
	unsafe  bool
	plugins []string
	ignored struct {
		b bool
		s string
	}
}

// flags declares Logstash's flags (runner.rb).
func (o *runOptions) flags(f *pflag.FlagSet) {
	f.SortFlags = false
	f.StringArrayVarP(&o.configs, "path.config", "f", nil, "file, folder or glob of the configuration")
	f.StringP("config.string", "e", "", "the configuration itself; a missing input is stdin, a missing output stdout")
	f.BoolVarP(&o.test, "config.test_and_exit", "t", false, "check the configuration and exit")
	f.IntP("pipeline.workers", "w", 0, "workers that run filters and outputs (default: number of cores)")
	f.IntP("pipeline.batch.size", "b", 125, "records that a worker takes before it flushes the outputs")
	f.IntP("pipeline.batch.delay", "u", 50, "reported by the monitoring API; a record waits for nobody")
	f.String("pipeline.id", "main", "name of the pipeline")
	f.String("pipeline.ordered", "auto", "keep the order of events: auto, true, false")
	f.String("pipeline.ecs_compatibility", "v8", "names of fields: disabled, v1, v8")
	f.BoolVar(&o.unsafe, "pipeline.unsafe_shutdown", false, "end at once on the first signal")
	f.StringP("node.name", "n", "", "name of this node (default: host name)")
	f.String("path.data", "", "folder for what has to survive a restart")
	f.String("path.settings", "", "folder of logstash.yml and pipelines.yml")
	f.StringP("path.logs", "l", "", "folder for the log file (default: standard output)")
	f.String("log.level", "info", "fatal, error, warn, info, debug, trace")
	f.String("log.format", "plain", "plain or json")
	f.Bool("config.support_escapes", false, `read \n, \t and the like in strings`)
	f.BoolVarP(&o.reload, "config.reload.automatic", "r", false, "watch the configuration and reload it when it changes")
	f.String("config.reload.interval", "3s", "how often to look for changes")
	f.Bool("config.debug", false, "log the compiled configuration")
	f.Bool("api.enabled", true, "serve the monitoring API")
	f.String("api.http.host", "127.0.0.1", "address of the monitoring API")
	f.String("api.http.port", "9600-9700", "port of the monitoring API; of a range the first that is free")
	f.String("http.host", "", "old name of api.http.host")
	f.String("http.port", "", "old name of api.http.port")
	f.String("shutdown.timeout", "8s", "time to drain after the first signal")
	f.Bool("embedded", false, "run the embedded store, which speaks Elasticsearch's API (without a configuration it runs anyway)")
	f.String("path.store", "", "folder of the embedded store (default: <path.data>/store)")
	f.String("store.host", "127.0.0.1", "address of the embedded store")
	f.String("store.port", "9200-9300", "port of the embedded store; of a range the first that is free")
	f.String("store.max_bytes", "2gb", "size of the embedded store: beyond it the oldest documents go")
	f.String("store.max_age", "7d", "age of documents in the embedded store: beyond it they go")
	f.StringArrayVarP(&o.set, "setting", "S", nil, "any setting, as name=value")
	f.BoolVarP(&o.version, "version", "V", false, "print the version")
	f.StringArrayVarP(&o.plugins, "path.plugins", "p", nil, "has no effect: plugins are part of the program")
	f.BoolVarP(&o.ignored.b, "interactive", "i", false, "has no effect: there is no Ruby here")
	f.String("field-reference-escape-style", "none", "has no effect")
	f.Bool("enable-local-plugin-development", false, "has no effect")
	f.Bool("pipeline.plugin_classloaders", false, "has no effect")
	for _, name := range []string{"http.host", "http.port", "setting", "interactive", "field-reference-escape-style", "path.plugins", "enable-local-plugin-development", "pipeline.plugin_classloaders"} {
		f.Lookup(name).Hidden = true
	}
	for _, name := range []string{"api.enabled", "config.support_escapes"} {
		f.Lookup(name).NoOptDefVal = "true"
	}
}

func (p *program) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return p.printVersion() },
	}
}

func (p *program) printVersion() error {
	_, err := fmt.Fprintf(p.out, "millrace %s (logstash %s)\n", version, logstashVersion)
	return err
}

// defaultSettingsDir is the first folder of settings that there is: Logstash's places.
func defaultSettingsDir() string {
	if dir := os.Getenv("LS_SETTINGS_DIR"); dir != "" {
		return dir
	}
	for _, dir := range []string{"/etc/millrace", "/usr/share/logstash/config", "/etc/logstash"} {
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			return dir
		}
	}
	return ""
}

// lookupVariable finds ${NAME}: in the environment, in the file that NAME_FILE names, in Docker's secrets.
func lookupVariable(name string) (string, bool) {
	if v, ok := os.LookupEnv(name); ok {
		return v, true
	}
	for _, path := range []string{os.Getenv(name + "_FILE"), filepath.Join("/run/secrets", name)} {
		if path == "" {
			continue
		}
		if data, err := os.ReadFile(path); err == nil {
			return strings.TrimRight(string(data), "\r\n"), true
		}
	}
	return "", false
}
