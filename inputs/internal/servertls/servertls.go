// Package servertls holds the ssl_* options that the inputs which listen for clients share.
package servertls

import (
	"crypto/tls"
	"errors"
	"slices"
	"time"

	"millrace/internal/tlsconf"
	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

// Options are the options. A plugin embeds them.
type Options struct {
	// Encrypt connections.
	SSL bool `opt:"ssl_enabled"`

	// PEM file with the certificate, followed by its chain.
	Certificate string `opt:"ssl_certificate,path"`

	// PEM file with the certificate's key.
	Key string `opt:"ssl_key,path"`

	// Passphrase of the key.
	KeyPassphrase config.Password `opt:"ssl_key_passphrase"`

	// PEM files with the authorities that clients' certificates are verified against.
	Authorities []string `opt:"ssl_certificate_authorities"`

	// Whether clients must show a certificate.
	ClientAuthentication string `opt:"ssl_client_authentication,enum=none|optional|required"`

	// How long a handshake may take, in milliseconds.
	HandshakeTimeout int `opt:"ssl_handshake_timeout"`

	// Cipher suites to accept up to TLS 1.2, by their IANA names.
	CipherSuites []string `opt:"ssl_cipher_suites"`

	// Versions of TLS to accept.
	Protocols []string `opt:"ssl_supported_protocols"`

	OldSSL        *bool    `opt:"ssl,obsolete=write ssl_enabled"`
	OldCiphers    []string `opt:"cipher_suites,obsolete=write ssl_cipher_suites"`
	OldMin        string   `opt:"tls_min_version,enum=1|1.1|1.2|1.3,obsolete=write ssl_supported_protocols"`
	OldMax        string   `opt:"tls_max_version,enum=1|1.1|1.2|1.3,obsolete=write ssl_supported_protocols"`
	OldVerifyMode string   `opt:"ssl_verify_mode,enum=none|peer|force_peer,obsolete=write ssl_client_authentication"`

	contradicted bool // the options of old releases say something else than ssl_client_authentication
}

// Defaults are the options' default values.
func Defaults() Options { return Options{ClientAuthentication: "none", HandshakeTimeout: 10_000} }

// Timeout returns how long a handshake may take.
func (o *Options) Timeout() time.Duration {
	return time.Duration(o.HandshakeTimeout) * time.Millisecond
}

// MapObsolete gives the options of old releases their new names.
func (o *Options) MapObsolete() {
	if o.OldSSL != nil {
		o.SSL = *o.OldSSL
	}
	o.CipherSuites = append(o.CipherSuites, o.OldCiphers...)
	o.VerifyMode(o.OldVerifyMode)
	if o.OldMin == "" && o.OldMax == "" {
		return
	}
	for _, v := range []string{"1.1", "1.2", "1.3"} {
		if (o.OldMin == "" && v != "1.1" || o.OldMin != "" && v >= o.OldMin) && (o.OldMax == "" || v <= o.OldMax) {
			if name := "TLSv" + v; !slices.Contains(o.Protocols, name) {
				o.Protocols = append(o.Protocols, name)
			}
		}
	}
}

// VerifyMode takes the value of an option of old releases: none, peer (whoever shows a certificate) or force_peer (all).
func (o *Options) VerifyMode(mode string) {
	said := o.ClientAuthentication
	switch mode {
	case "none":
		o.ClientAuthentication = "none"
	case "peer":
		o.ClientAuthentication = "optional"
	case "force_peer":
		o.ClientAuthentication = "required"
	}
	if said != "none" && said != o.ClientAuthentication {
		o.contradicted = true
	}
}

// Server returns the configuration of the server; nil if connections are not encrypted. more is what the plugin has besides.
func (o *Options) Server(more tlsconf.Options) (*tls.Config, error) {
	if o.HandshakeTimeout < 1 {
		return nil, plugin.OptionError("ssl_handshake_timeout", errTimeout)
	}
	if !o.SSL {
		return nil, nil
	}
	if o.contradicted {
		return nil, plugin.OptionError("ssl_client_authentication", errContradicted)
	}
	if len(o.Authorities) > 0 && o.ClientAuthentication == "none" {
		return nil, plugin.OptionError("ssl_certificate_authorities", errUnasked)
	}
	t := more
	t.Certificate, t.Key, t.KeyPassphrase, t.Authorities = o.Certificate, o.Key, o.KeyPassphrase, o.Authorities
	t.Protocols, t.CipherSuites, t.ClientAuthentication = o.Protocols, o.CipherSuites, o.ClientAuthentication
	return t.Server()
}

var (
	errTimeout      = errors.New("a handshake takes at least a millisecond")
	errContradicted = errors.New("the options of old releases beside it say something else; leave them away")
	errUnasked      = errors.New("no client is asked for a certificate that they could verify; set ssl_client_authentication to optional or required")
)
