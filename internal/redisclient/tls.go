package redisclient

import (
	"crypto/tls"

	"millrace/internal/tlsconf"
	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

// TLS are the options of encryption that the plugins share.
type TLS struct {
	// Encrypt connections.
	SSL bool `opt:"ssl_enabled,alias=ssl"`

	// How much of the server's certificate to verify.
	VerificationMode string `opt:"ssl_verification_mode,enum=full|none"`

	// PEM files with the authorities that the server's certificate is verified against; the system's by default.
	Authorities []string `opt:"ssl_certificate_authorities"`

	// PEM file with a certificate to show to the server, followed by its chain.
	Certificate string `opt:"ssl_certificate,path"`

	// PEM file with the certificate's key.
	TLSKey string `opt:"ssl_key,path"`

	// Passphrase of the key.
	KeyPassphrase config.Password `opt:"ssl_key_passphrase"`

	// Versions of TLS to accept.
	Protocols []string `opt:"ssl_supported_protocols"`

	// Cipher suites to accept up to TLS 1.2, by their IANA names.
	CipherSuites []string `opt:"ssl_cipher_suites"`
}

// DefaultTLS returns the options' defaults.
func DefaultTLS() TLS { return TLS{VerificationMode: "full"} }

// Config returns the configuration of connections, nil if they are not encrypted. Its errors name options.
func (o *TLS) Config(env *plugin.Env) (*tls.Config, error) {
	if !o.SSL {
		env.WarnIdle("ssl_", "ssl_enabled => true", "ssl_enabled")
		return nil, nil
	}
	t := tlsconf.Options{
		Certificate: o.Certificate, Key: o.TLSKey, KeyPassphrase: o.KeyPassphrase, Authorities: o.Authorities,
		Protocols: o.Protocols, CipherSuites: o.CipherSuites, VerificationMode: o.VerificationMode,
	}
	return t.Client()
}
