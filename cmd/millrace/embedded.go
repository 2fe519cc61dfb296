package main

import (
	_ "embed" // for default.conf
	"os"
	"path/filepath"

	"millrace/internal/logging"
	"millrace/internal/settings"
	"millrace/internal/store/node"
)

// defaultPipeline runs where nothing is configured: lines over TCP, understood as far as possible, into the embedded store.
//
//go:embed default.conf
var defaultPipeline string

// terminalOutput shows what arrives to whoever sits in front of the program.
const terminalOutput = `output { stdout { codec => line { format => "%{@timestamp} %{message}" } } }
`

// storeVariable is the variable by which a configuration finds the embedded store. Set to the address of a real cluster it sends the default
// pipeline there.
const storeVariable = "MILLRACE_STORE"

// useDefault makes the default pipeline that of l.
func (l *loaded) useDefault() error {
	text := defaultPipeline
	if isTerminal(os.Stdout) {
		text += terminalOutput
	}
	l.byDefault = true
	if _, elsewhere := lookupVariable(storeVariable); elsewhere {
		l.warnings = append(l.warnings, "nothing is configured: lines on TCP port 9000 go to the Elasticsearch of "+storeVariable+" (-f pipeline.conf runs yours)")
	} else {
		l.warnings = append(l.warnings, "nothing is configured: lines on TCP port 9000 are kept in the embedded store and shown on the page (-f pipeline.conf runs yours)")
	}
	_, err := l.settings.Set("config.string", text)
	return err
}

// embeds reports whether the embedded store runs.
func (l *loaded) embeds() bool {
	switch l.settings.Get("store.enabled") {
	case "true":
		return true
	case "false":
		return false
	}
	_, elsewhere := lookupVariable(storeVariable)
	return l.byDefault && !elsewhere
}

// storeDir is the folder of the embedded store.
func storeDir(s *settings.Settings) string {
	if dir := s.Get("path.store"); dir != "" {
		return dir
	}
	return filepath.Join(dataDir(s), "store")
}

// startStore starts the embedded store, if it is to run, and returns what ends it.
func (a *agent) startStore() (stop func(), err error) {
	if !a.loaded.embeds() {
		return func() {}, nil
	}
	s := a.loaded.settings
	age := s.Duration("store.max_age")
	if age == 0 {
		age = -1 // no limit
	}
	n, err := node.Start(node.Options{
		Dir: storeDir(s), Host: s.Get("store.host"), Port: s.Get("store.port"), MaxBytes: s.Bytes("store.max_bytes"), MaxAge: age,
		Log: a.log.With(logging.LoggerKey, "millrace.store"),
	})
	if err != nil {
		return nil, err
	}
	a.store = n.URL()
	a.log.Info("The embedded store answers Elasticsearch's API", "url", a.store, "folder", storeDir(s), "max_bytes", s.Get("store.max_bytes"), "max_age", s.Get("store.max_age"))
	return func() {
		if err := n.Close(); err != nil {
			a.log.Error("closing the embedded store", "error", err)
		}
	}, nil
}

// lookup is that of what was loaded, with the address of the embedded store where it runs.
func (a *agent) lookup(name string) (string, bool) {
	v, ok := a.loaded.lookup(name)
	if !ok && name == storeVariable && a.store != "" {
		return a.store, true
	}
	return v, ok
}
