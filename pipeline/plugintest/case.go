// Package plugintest runs recorded cases: a configuration, events in, the events or bytes that come out. The format is that of
// conformance/README.md.
package plugintest

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/tools/txtar"
)

// Case is one recorded case.
type Case struct {
	Name      string // group/name
	Title     string // the first comment line
	Config    string
	Codec     string // codec.conf: the input codec for Raw
	OutCodec  string // ocodec.conf: the codec that writes OutRaw
	Settings  map[string]string
	Env       map[string]string
	In        []string // documents given to the filters as they are
	Raw       string   // bytes given to the input codec
	HasRaw    bool
	Out       []string
	HasOut    bool
	OutRaw    string
	HasOutRaw bool
	Err       string
	HasErr    bool
	Files     map[string]string // laid beside the config, by relative path
}

// Load reads one case file.
func Load(path string) (*Case, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	ar := txtar.Parse(data)
	c := &Case{
		Name:     filepath.Base(filepath.Dir(path)) + "/" + strings.TrimSuffix(filepath.Base(path), ".txtar"),
		Title:    strings.TrimPrefix(strings.SplitN(string(ar.Comment), "\n", 2)[0], "# "),
		Settings: make(map[string]string), Env: make(map[string]string), Files: make(map[string]string),
	}
	for _, f := range ar.Files {
		name, body := f.Name, string(f.Data)
		if base, ok := strings.CutSuffix(name, ".b64"); ok {
			raw, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(body, "\n", ""))
			if err != nil {
				return nil, fmt.Errorf("section %s: %w", name, err)
			}
			name, body = base, string(raw)
		} else if strings.HasSuffix(name, ".raw") {
			body = strings.TrimSuffix(body, "\n")
			if strings.HasSuffix(string(f.Data), "\n") {
				body += "\n"
			}
		}
		c.section(name, body)
	}
	return c, nil
}

func (c *Case) section(name, body string) {
	switch name {
	case "pipeline.conf":
		c.Config = body
	case "codec.conf":
		c.Codec = strings.TrimSpace(body)
	case "ocodec.conf":
		c.OutCodec = strings.TrimSpace(body)
	case "settings.yml":
		for _, line := range lines(body) {
			k, v, _ := strings.Cut(line, ":")
			c.Settings[strings.TrimSpace(k)] = strings.Trim(strings.TrimSpace(v), `"'`)
		}
	case "env":
		for _, line := range lines(body) {
			k, v, _ := strings.Cut(line, "=")
			c.Env[k] = v
		}
	case "in.ndjson":
		c.In = lines(body)
	case "in.raw":
		c.Raw, c.HasRaw = body, true
	case "out.ndjson":
		c.Out, c.HasOut = lines(body), true
	case "out.raw":
		c.OutRaw, c.HasOutRaw = body, true
	case "err":
		c.Err, c.HasErr = strings.TrimSpace(body), true
	case "log":
	default:
		c.Files[name] = body
	}
}

func lines(body string) []string {
	var out []string
	for line := range strings.SplitSeq(body, "\n") {
		if strings.TrimSpace(line) != "" {
			out = append(out, line)
		}
	}
	return out
}
