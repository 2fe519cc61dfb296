// Package secrets reads Logstash's keystore, logstash.keystore: a PKCS#12 file of Java's with one secret key for each variable.
package secrets

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"
	"unicode/utf16"
)

// maxSize bounds the file. A variable takes some 350 bytes.
const maxSize = 16 << 20

// prefix begins the aliases of Logstash's entries; marker is the one that every keystore of its has.
const (
	prefix = "urn:logstash:secret:v1:"
	marker = "keystore.seed"
)

// Store holds the variables of a keystore.
type Store struct{ values map[string]string }

// Read reads a keystore. Without a password, the file holds its own at its end.
func Read(path, password string) (*Store, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxSize {
		return nil, fmt.Errorf("reading the keystore %q: it is larger than %d bytes", path, maxSize)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	s, err := parse(data, password)
	if err != nil {
		return nil, fmt.Errorf("reading the keystore %q: %w", path, err)
	}
	return s, nil
}

// Lookup returns the value of a variable. Case does not matter, as with Logstash.
func (s *Store) Lookup(name string) (string, bool) {
	if s == nil {
		return "", false
	}
	v, ok := s.values[strings.ToLower(name)]
	return v, ok
}

func parse(data []byte, password string) (*Store, error) {
	own := password == ""
	if own {
		if password = ownPassword(data); password == "" {
			return nil, errNoPassword
		}
	} else if strings.ContainsFunc(password, func(r rune) bool { return r > 127 }) {
		password = base64.StdEncoding.EncodeToString(lowBytes(password))
	}
	entries, err := decode(data, password)
	if own && errors.Is(err, errWrongPassword) {
		return nil, errNoPassword
	}
	if err != nil {
		return nil, err
	}
	s := &Store{values: make(map[string]string, len(entries))}
	for alias, key := range entries {
		name, ok := strings.CutPrefix(strings.ToLower(alias), prefix)
		if !ok {
			continue
		}
		value, err := base64.StdEncoding.DecodeString(string(key))
		if err != nil {
			return nil, fmt.Errorf("the value of %s is not base64", name)
		}
		s.values[name] = string(value)
	}
	if _, ok := s.values[marker]; !ok {
		return nil, errors.New("it is no keystore of Logstash")
	}
	delete(s.values, marker)
	return s, nil
}

var errNoPassword = errors.New("it does not hold its password, which has to be in LOGSTASH_KEYSTORE_PASS then")

// ownPassword undoes what hides the password behind the file's last byte, which is its length: a half that is random, and a half that is the
// password after an exclusive or with it. It returns "" if there is no such thing.
func ownPassword(data []byte) string {
	if len(data) == 0 {
		return ""
	}
	n := int(data[len(data)-1])
	if n == 0 || n%2 != 0 || len(data) < n+1 {
		return ""
	}
	hidden := data[len(data)-1-n : len(data)-1]
	password := make([]byte, n/2)
	for i := range password {
		password[i] = hidden[i] ^ hidden[n/2+i]
	}
	return string(password)
}

// lowBytes are those of the UTF-16 units of a text: Logstash cuts characters to bytes before it makes base64 of them.
func lowBytes(text string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(text)) {
		b = append(b, byte(u))
	}
	return b
}
