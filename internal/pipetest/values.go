package pipetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// splitReference cuts [a][b] into its keys. What is no reference is one key.
func splitReference(name string) []string {
	if len(name) < 3 || name[0] != '[' || name[len(name)-1] != ']' {
		return []string{name}
	}
	keys := strings.Split(name[1:len(name)-1], "][")
	for _, k := range keys {
		if k == "" || strings.ContainsAny(k, "[],") {
			return []string{name}
		}
	}
	return keys
}

// expand turns keys that are field references into nested objects, at every depth.
func expand(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = expand(v[i])
		}
		return v
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, value := range v {
			put(out, splitReference(key), expand(value))
		}
		return out
	}
	return v
}

func put(m map[string]any, keys []string, value any) {
	for len(keys) > 1 {
		below, ok := m[keys[0]].(map[string]any)
		if !ok {
			below = make(map[string]any)
			m[keys[0]] = below
		}
		m, keys = below, keys[1:]
	}
	if old, ok := m[keys[0]].(map[string]any); ok {
		if add, ok := value.(map[string]any); ok { // "[a][b]" and "a" stand side by side
			for k, v := range add {
				old[k] = v
			}
			return
		}
	}
	m[keys[0]] = value
}

// remove deletes a field, and the objects around it that it leaves empty.
func remove(m map[string]any, keys []string) {
	if len(keys) == 1 {
		delete(m, keys[0])
		return
	}
	below, ok := m[keys[0]].(map[string]any)
	if !ok {
		return
	}
	remove(below, keys[1:])
	if len(below) == 0 {
		delete(m, keys[0])
	}
}

// expandJSON expands the references in the keys of a JSON object; any other text stays.
func expandJSON(text string) string {
	if !strings.Contains(text, `"[`) {
		return text
	}
	v, err := decodeJSON([]byte(text))
	if err != nil {
		return text
	}
	return mustJSON(expand(v))
}

func decodeJSON(text []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	err := dec.Decode(&v)
	return v, err
}

// mustJSON writes a value that was read from JSON or YAML.
func mustJSON(v any) string { return string(encodeJSON(v, "", "")) }

func encodeJSON(v any, prefix, indent string) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent(prefix, indent)
	if err := enc.Encode(v); err != nil {
		panic(fmt.Sprintf("BUG: a value that is no JSON: %v", err))
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}
