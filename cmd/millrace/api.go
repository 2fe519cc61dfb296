package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"millrace/internal/settings"
	"millrace/internal/tlsconf"
	"millrace/pipeline/config"
	"millrace/pipeline/monitor"
)

// apiAccess is what the settings say of who may use the API, and how.
type apiAccess struct {
	host        string
	credentials *monitor.Credentials // nil: none are asked for
	tls         *tls.Config          // nil: plain HTTP
	warnings    []string
}

// newAPIAccess reads the settings api.auth.* and api.ssl.*, with the files that they name.
func newAPIAccess(s *settings.Settings) (*apiAccess, error) {
	a := &apiAccess{host: apiHost(s)}
	if !s.Bool("api.enabled") {
		return a, nil
	}
	return a, errors.Join(a.authenticate(s), a.encrypt(s))
}

// isBasic reports whether the API asks for a name and a password.
func isBasic(s *settings.Settings) bool { return s.Get("api.auth.type") == "basic" }

// apiHost is where the API listens: Logstash's rule is that it may listen everywhere once it is safe.
func apiHost(s *settings.Settings) string {
	if !s.Given("api.http.host") && s.Bool("api.ssl.enabled") && isBasic(s) {
		return "0.0.0.0"
	}
	return s.Get("api.http.host")
}

func (a *apiAccess) authenticate(s *settings.Settings) error {
	const username, password = "api.auth.basic.username", "api.auth.basic.password"
	if !isBasic(s) {
		a.ignored(s, "api.auth.type", username, password)
		return nil
	}
	var errs []error
	for _, name := range []string{username, password} {
		if s.Get(name) == "" {
			errs = append(errs, fmt.Errorf("setting %q is required when api.auth.type is basic", name))
		}
	}
	if strings.Contains(s.Get(username), ":") {
		errs = append(errs, fmt.Errorf("setting %q: a name of HTTP's basic authentication has no colon", username))
	}
	const policy = "api.auth.basic.password_policy."
	if n := s.Int(policy + "length.minimum"); n < 8 || n > 1024 {
		errs = append(errs, fmt.Errorf("setting %q must be between 8 and 1024", policy+"length.minimum"))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if faults := passwordFaults(s.Get(password), s); len(faults) > 0 {
		text := "the password does not meet the policy api.auth.basic.password_policy: it " + strings.Join(faults, ", ")
		if s.Get(policy+"mode") == "ERROR" {
			return fmt.Errorf("setting %q: %s", password, text)
		}
		a.warnings = append(a.warnings, fmt.Sprintf("setting %q: %s", password, text))
	}
	a.credentials = monitor.NewCredentials(s.Get(username), s.Get(password))
	return nil
}

// passwordFaults tells what the policy asks for and password does not have; nothing of the password itself.
func passwordFaults(password string, s *settings.Settings) (faults []string) {
	const policy = "api.auth.basic.password_policy."
	if n := s.Int(policy + "length.minimum"); utf8.RuneCountInString(password) < n {
		faults = append(faults, fmt.Sprintf("is shorter than %d characters", n))
	}
	for _, class := range []struct {
		name, text string
		is         func(rune) bool
	}{
		{"upper", "has no upper case letter", unicode.IsUpper},
		{"lower", "has no lower case letter", unicode.IsLower},
		{"digit", "has no digit", unicode.IsDigit},
		{"symbol", "has no character besides letters and digits", func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }},
	} {
		if s.Get(policy+"include."+class.name) == "REQUIRED" && strings.IndexFunc(password, class.is) < 0 {
			faults = append(faults, class.text)
		}
	}
	return faults
}

func (a *apiAccess) encrypt(s *settings.Settings) error {
	if !s.Bool("api.ssl.enabled") {
		a.ignored(s, "api.ssl.enabled", "api.ssl.keystore.path", "api.ssl.certificate", "api.ssl.key", "api.ssl.supported_protocols")
		return nil
	}
	o := tlsconf.Options{
		Keystore: s.Get("api.ssl.keystore.path"), KeystorePassword: config.Password(s.Get("api.ssl.keystore.password")),
		Certificate: s.Get("api.ssl.certificate"), Key: s.Get("api.ssl.key"), KeyPassphrase: config.Password(s.Get("api.ssl.key_passphrase")),
	}
	switch {
	case o.Keystore == "" && o.Certificate == "" && o.Key == "":
		return errors.New(`setting "api.ssl.keystore.path" (or "api.ssl.certificate" and "api.ssl.key") is required when api.ssl.enabled is true`)
	case o.Keystore != "" && (o.Certificate != "" || o.Key != ""):
		return errors.New(`settings "api.ssl.keystore.path" and "api.ssl.certificate" exclude each other`)
	case o.Keystore != "" && !s.Given("api.ssl.keystore.password"):
		return errors.New(`setting "api.ssl.keystore.password" is required with api.ssl.keystore.path`)
	}
	var errs []error
	for _, name := range []string{"api.ssl.keystore.path", "api.ssl.certificate", "api.ssl.key"} {
		if path := s.Get(name); path != "" {
			if _, err := os.Stat(path); err != nil {
				errs = append(errs, fmt.Errorf("setting %q: %w", name, err))
			}
		}
	}
	var err error
	if o.Protocols, err = protocols(s.Get("api.ssl.supported_protocols")); err != nil {
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	c, err := o.Server()
	if err != nil {
		return fmt.Errorf("settings api.ssl: %s", settingNames.Replace(err.Error()))
	}
	a.tls = c
	return nil
}

// protocols reads a list of versions of TLS, as a list of logstash.yml is joined or as a variable of the environment has it.
func protocols(text string) ([]string, error) {
	known := []string{"TLSv1.1", "TLSv1.2", "TLSv1.3"}
	names := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(`[]"', `, r) })
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf(`setting "api.ssl.supported_protocols": %q is none of %s`, name, strings.Join(known, ", "))
		}
	}
	return names, nil
}

// settingNames turns the names of the options of plugins into those of the settings.
var settingNames = strings.NewReplacer(
	"ssl_keystore_path", "api.ssl.keystore.path", "ssl_certificate", "api.ssl.certificate", "ssl_key_passphrase", "api.ssl.key_passphrase",
	"ssl_key", "api.ssl.key",
)

// ignored warns about settings that mean nothing as long as another is off.
func (a *apiAccess) ignored(s *settings.Settings, trigger string, names ...string) {
	for _, name := range names {
		if s.Get(name) != "" {
			a.warnings = append(a.warnings, fmt.Sprintf("setting %q has no effect because %s is %s", name, trigger, s.Get(trigger)))
		}
	}
}
