package explain

import (
	"os"
	"regexp"
	"slices"
	"strings"

	"millrace/internal/fileglob"
	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

// Variable is an environment variable that the configuration uses.
type Variable struct {
	Name    string  `json:"name"`
	Set     bool    `json:"set"`
	Default *string `json:"default,omitempty"`
	Places  []Place `json:"places"`
}

// File is a file or folder that the configuration names for reading.
type File struct {
	Place
	Path   string `json:"path"`
	Plugin string `json:"plugin"`
	Option string `json:"option"`
	Exists bool   `json:"exists"`
}

// variable is ${NAME} or ${NAME:default}; see config.Lookup.
var variable = regexp.MustCompile(`\$\{([A-Za-z_.][A-Za-z0-9_.]*)(?::([^}]*))?\}`)

// variables notes the variables of a file, in the order of their first use. Comments and the keys of hashes do not count.
func (x *explainer) variables(f *config.File) {
	for _, loc := range variable.FindAllStringSubmatchIndex(f.Text, -1) {
		if slices.ContainsFunc(f.Comments, func(c config.Comment) bool { return c.Start <= loc[0] && loc[0] < c.End }) {
			continue
		}
		name := f.Text[loc[2]:loc[3]]
		i := slices.IndexFunc(x.r.Variables, func(v Variable) bool { return v.Name == name })
		if i < 0 {
			v := Variable{Name: name}
			if x.o.Lookup != nil {
				_, v.Set = x.o.Lookup(name)
			}
			x.r.Variables = append(x.r.Variables, v)
			i = len(x.r.Variables) - 1
		}
		v := &x.r.Variables[i]
		if loc[4] >= 0 && v.Default == nil {
			text := f.Text[loc[4]:loc[5]]
			v.Default = &text
		}
		if p := placeOf(f, loc[0]); !slices.Contains(v.Places, p) {
			v.Places = append(v.Places, p)
		}
	}
}

// readOptions are options that name files to read although their type does not say so.
var readOptions = []string{"patterns_dir", "dictionary_path", "database", "regexes", "network_path", "template", "extra_paths"}

// filesOf notes the files that the options of a plugin name.
func (x *explainer) filesOf(n *config.PluginNode, d *plugin.Definition, attrs *config.Attributes) {
	own, _ := d.Describe(nil)
	for _, o := range own {
		if !strings.Contains(o.Type, "path") && !slices.Contains(readOptions, o.Name) && !strings.HasSuffix(o.Name, "_certs") &&
			!strings.HasSuffix(o.Name, "_authorities") {
			continue
		}
		v, ok := attrs.Get(o.Name)
		if !ok {
			continue
		}
		values := v.Items
		if v.Type == config.TypeString {
			values = []config.Value{v}
		}
		for _, item := range values {
			if item.Str == "" || strings.Contains(item.Str, "%{") {
				continue
			}
			found, err := fileglob.Files(item.Str)
			_, errStat := os.Stat(item.Str)
			x.r.Files = append(x.r.Files, File{
				Place: placeOf(n.File, item.Place.Start), Path: item.Str, Plugin: n.Kind + " " + n.Name, Option: o.Name,
				Exists: errStat == nil || err == nil && len(found) > 0,
			})
		}
	}
}
