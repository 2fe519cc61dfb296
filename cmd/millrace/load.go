package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/pflag"

	"millrace/internal/fileglob"
	"millrace/internal/secrets"
	"millrace/internal/settings"
	"millrace/pipeline"
	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

// loaded are the settings of a run and of its pipelines, with what was said on the way.
type loaded struct {
	settings  *settings.Settings
	pipelines []*settings.Settings
	warnings  []string
	byDefault bool // nothing is configured: the default pipeline runs
	secrets   *secrets.Store
}

// lookup finds ${NAME}: in the keystore, then where lookupVariable looks.
func (l *loaded) lookup(name string) (string, bool) {
	if v, ok := l.secrets.Lookup(name); ok {
		return v, true
	}
	return lookupVariable(name)
}

// readKeystore reads Logstash's keystore, if there is one.
func (l *loaded) readKeystore(path string) (err error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	l.secrets, err = secrets.Read(path, os.Getenv("LOGSTASH_KEYSTORE_PASS"))
	return err
}

// load reads the settings and finds the pipelines.
func load(flags *pflag.FlagSet, o *runOptions) (*loaded, error) {
	l, dir, err := loadSettings(flags, o)
	if err != nil {
		return nil, err
	}
	if err := l.choosePipelines(dir); err != nil {
		return nil, err
	}
	return l, l.checkStorage()
}

// loadSettings reads the settings in the order of their precedence: defaults, logstash.yml in the folder dir, a container's environment,
// flags.
func loadSettings(flags *pflag.FlagSet, o *runOptions) (l *loaded, dir string, err error) {
	s := settings.New()
	dir = defaultSettingsDir()
	if f := flags.Lookup("path.settings"); f != nil && f.Changed {
		dir = f.Value.String()
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			return nil, dir, fmt.Errorf("path.settings: %q is not a folder", dir)
		}
	}
	l = &loaded{settings: s}
	var errs []error
	if dir != "" {
		errs = append(errs, l.readKeystore(filepath.Join(dir, "logstash.keystore")))
		warnings, err := s.LoadFile(dir, l.lookup)
		l.warnings = append(l.warnings, warnings...)
		errs = append(errs, err)
	}
	if os.Getenv("ELASTIC_CONTAINER") == "true" {
		ignored, err := s.LoadEnvironment(os.Environ())
		if len(ignored) > 0 {
			l.warnings = append(l.warnings, "environment variables without effect in Millrace: "+strings.Join(ignored, ", "))
		}
		errs = append(errs, err)
	}
	errs = append(errs, l.applyFlags(flags, o))
	if path := s.Get("keystore.file"); path != "" {
		errs = append(errs, l.readKeystore(path))
	}
	return l, dir, errors.Join(errs...)
}

// variables returns what finds the variables of a configuration for a command that runs no pipelines of the settings: as a run finds them.
func variables(flags *pflag.FlagSet, configs []string) (config.Lookup, error) {
	l, _, err := loadSettings(flags, &runOptions{configs: configs})
	if err != nil {
		return nil, err
	}
	return l.lookup, nil
}

// applyFlags sets the settings whose flags were given.
func (l *loaded) applyFlags(flags *pflag.FlagSet, o *runOptions) error {
	var errs []error
	set := func(name, value string) {
		w, err := l.settings.Set(name, value)
		if w != "" {
			l.warnings = append(l.warnings, w)
		}
		errs = append(errs, err)
	}
	known := make(map[string]bool)
	for _, s := range settings.All() {
		known[s.Name] = true
	}
	flags.Visit(func(f *pflag.Flag) {
		switch {
		case f.Name == "path.config":
			if len(o.configs) > 1 {
				l.warnings = append(l.warnings, "of several -f the last one counts")
			}
			set("path.config", o.configs[len(o.configs)-1])
		case f.Name == "config.string" && f.Value.String() == "":
			set(f.Name, "\n") // -e "" asks for the default input and output
		case f.Name == "embedded":
			set("store.enabled", f.Value.String())
		case f.Name == "http.host" || f.Name == "http.port" || known[f.Name]:
			set(f.Name, f.Value.String())
		}
	})
	for _, kv := range o.set {
		name, value, _ := strings.Cut(kv, "=")
		set(name, value)
	}
	return errors.Join(errs...)
}

// choosePipelines decides what runs: -e or -f or their settings, else pipelines.yml, else the official image's folder, else the default.
func (l *loaded) choosePipelines(dir string) error {
	s := l.settings
	if s.Get("config.string") != "" || s.Get("path.config") != "" {
		if s.Get("config.string") != "" && s.Get("path.config") != "" {
			return errors.New("-e (config.string) and -f (path.config) cannot both be given")
		}
		l.pipelines = []*settings.Settings{s}
		return nil
	}
	if dir != "" {
		pipelines, warnings, err := s.LoadPipelines(dir, l.lookup)
		l.warnings = append(l.warnings, warnings...)
		if err != nil || pipelines != nil {
			l.pipelines = pipelines
			return err
		}
	}
	l.pipelines = []*settings.Settings{s}
	if matches, _ := fileglob.Files("/usr/share/logstash/pipeline"); len(matches) > 0 {
		_, err := s.Set("path.config", "/usr/share/logstash/pipeline")
		return err
	}
	err := l.useDefault()
	if !s.Given("api.events") {
		_, err2 := s.Set("api.events", "true") // a trial shows what it does, to whoever can send it lines
		err = errors.Join(err, err2)
	}
	return err
}

// sources returns the config files of a pipeline with their texts, in Logstash's order.
func sources(s *settings.Settings) (names []string, texts [][]byte, err error) {
	if text := s.Get("config.string"); text != "" {
		return []string{"config string"}, [][]byte{[]byte(text)}, nil
	}
	matches, err := fileglob.Files(strings.TrimPrefix(s.Get("path.config"), "file://"))
	if err != nil {
		return nil, nil, fmt.Errorf("path.config: %w", err)
	}
	for _, m := range matches {
		if strings.HasSuffix(m, "~") {
			continue
		}
		text, err := os.ReadFile(m)
		if err != nil {
			return nil, nil, err
		}
		names, texts = append(names, m), append(texts, text)
	}
	if len(names) == 0 {
		return nil, nil, fmt.Errorf("no configuration found in %q", s.Get("path.config"))
	}
	return names, texts, nil
}

// parse reads the config of a pipeline. With -e a missing input is stdin and a missing output stdout, as in Logstash.
func parse(s *settings.Settings) ([]*config.File, config.Diagnostics, error) {
	names, texts, err := sources(s)
	if err != nil {
		return nil, nil, err
	}
	opts := config.ParseOptions{SupportEscapes: s.Bool("config.support_escapes")}
	var files []*config.File
	var diags config.Diagnostics
	has := make(map[string]bool)
	for i, name := range names {
		f, d := config.Parse(name, texts[i], opts)
		files, diags = append(files, f), append(diags, d...)
		for _, sec := range f.Sections {
			has[sec.Kind] = has[sec.Kind] || len(sec.Body) > 0
		}
	}
	if s.Get("config.string") == "" || diags.HasErrors() {
		return files, diags, nil
	}
	missing := ""
	if !has[config.KindInput] {
		missing += "input { stdin { type => stdin } }\n"
	}
	if !has[config.KindOutput] {
		missing += "output { stdout { codec => rubydebug } }\n"
	}
	if missing != "" {
		f, d := config.Parse("default", []byte(missing), opts)
		files, diags = append(files, f), append(diags, d...)
	}
	return files, diags, nil
}

// pipelineSettings turns settings into those of the runtime.
func pipelineSettings(s *settings.Settings) pipeline.Settings {
	ps := pipeline.DefaultSettings()
	ps.ID = s.Get("pipeline.id")
	if ps.Workers = s.Int("pipeline.workers"); ps.Workers <= 0 {
		ps.Workers = runtime.GOMAXPROCS(0)
	}
	ps.BatchSize = max(1, s.Int("pipeline.batch.size"))
	ps.BatchDelay = s.Milliseconds("pipeline.batch.delay")
	ps.Ordered = s.Get("pipeline.ordered")
	ps.ECS = plugin.ECS(s.Get("pipeline.ecs_compatibility"))
	ps.MaxInflight = s.Bytes("queue.max_inflight_bytes")
	ps.ShutdownLimit = s.Duration("shutdown.timeout")
	if s.Bool("pipeline.unsafe_shutdown") {
		ps.ShutdownLimit = 0
	}
	ps.Hostname, _ = os.Hostname() // an unnamed host has the name ""
	ps.DataDir = dataDir(s)
	ps.Version = logstashVersion
	return ps
}

// imageDataDir is path.data in the official image.
const imageDataDir = "/usr/share/logstash/data"

// dataDir returns path.data, or the first place that Logstash would use.
func dataDir(s *settings.Settings) string {
	if dir := s.Get("path.data"); dir != "" {
		return dir
	}
	if info, err := os.Stat(imageDataDir); err == nil && info.IsDir() {
		return imageDataDir
	}
	if dir, err := os.UserCacheDir(); err == nil {
		return filepath.Join(dir, "millrace")
	}
	return filepath.Join(os.TempDir(), "millrace")
}
