// Package tlsconf makes TLS configurations of the ssl_* options that inputs and outputs share.
package tlsconf

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/youmark/pkcs8"

	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

// Options are the ssl_* options in one form; a plugin fills in those that it has. Errors name options as Logstash calls them.
type Options struct {
	Certificate   string          // ssl_certificate: PEM file with the chain, own certificate first
	Key           string          // ssl_key: PEM file, PKCS#1, SEC1 or PKCS#8
	KeyPassphrase config.Password // of Key, or of the key in a JKS keystore if it is not the store's
	ExtraChain    []string        // ssl_extra_chain_certs
	Authorities   []string        // ssl_certificate_authorities: PEM files
	Protocols     []string        // ssl_supported_protocols: TLSv1.1, TLSv1.2, TLSv1.3
	CipherSuites  []string        // ssl_cipher_suites, by their IANA names

	Keystore           string // ssl_keystore_path: JKS or PKCS#12, in place of Certificate and Key
	KeystoreType       string // jks or pkcs12; "" by the file's name
	KeystorePassword   config.Password
	TrustKeystore      bool   // the authorities in Keystore are trusted beside those of the system, if no others are named
	Truststore         string // ssl_truststore_path, in place of Authorities
	TruststoreType     string
	TruststorePassword config.Password

	ClientAuthentication string // ssl_client_authentication of a server: none, optional, required
	VerificationMode     string // ssl_verification_mode of a client: full, certificate, none
	Fingerprint          string // ca_trusted_fingerprint: hex SHA-256 of a CA that is trusted too
}

// Server returns the configuration of a server. It reads the files; what is wrong with them is an error of the option that names it.
func (o *Options) Server() (*tls.Config, error) {
	c, errs := o.base()
	if o.Certificate == "" && o.Keystore == "" {
		errs = append(errs, plugin.OptionError("ssl_enabled", errors.New("a server needs ssl_certificate and ssl_key")))
	}
	c.ClientCAs, c.RootCAs = c.RootCAs, nil
	switch o.ClientAuthentication {
	case "required":
		c.ClientAuth = tls.RequireAndVerifyClientCert
	case "optional":
		c.ClientAuth = tls.VerifyClientCertIfGiven
	}
	if c.ClientAuth != tls.NoClientCert && c.ClientCAs == nil && len(errs) == 0 {
		errs = append(errs, plugin.OptionError("ssl_client_authentication",
			fmt.Errorf("%q needs ssl_certificate_authorities to verify the clients' certificates", o.ClientAuthentication)))
	}
	return c, errors.Join(errs...)
}

// Client returns the configuration of a client; its ServerName is left to the dialer.
func (o *Options) Client() (*tls.Config, error) {
	c, errs := o.base()
	switch o.VerificationMode {
	case "none":
		c.InsecureSkipVerify = true
	case "certificate":
		c.InsecureSkipVerify = true
		c.VerifyConnection = verifyChain(c.RootCAs)
	}
	if o.Fingerprint != "" && o.VerificationMode != "none" {
		want, err := hex.DecodeString(strings.ReplaceAll(strings.ToLower(o.Fingerprint), ":", ""))
		if err != nil || len(want) != sha256.Size {
			errs = append(errs, plugin.OptionError("ca_trusted_fingerprint", errors.New("expected the 64 hexadecimal digits of a SHA-256")))
		}
		c.InsecureSkipVerify = true
		c.VerifyConnection = verifyFingerprint(c.RootCAs, [sha256.Size]byte(append(want, make([]byte, sha256.Size)...)), o.VerificationMode != "certificate")
	}
	return c, errors.Join(errs...)
}

// verifyChain verifies all but the name.
func verifyChain(roots *x509.CertPool) func(tls.ConnectionState) error {
	return func(s tls.ConnectionState) error {
		_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: intermediates(s)})
		return err
	}
}

// verifyFingerprint verifies against roots and the certificate of the chain that has the fingerprint.
func verifyFingerprint(roots *x509.CertPool, want [sha256.Size]byte, name bool) func(tls.ConnectionState) error {
	return func(s tls.ConnectionState) error {
		opts := x509.VerifyOptions{Roots: roots, Intermediates: intermediates(s)}
		for _, cert := range s.PeerCertificates {
			if sha256.Sum256(cert.Raw) == want {
				if roots == nil {
					opts.Roots = x509.NewCertPool()
				} else {
					opts.Roots = roots.Clone()
				}
				opts.Roots.AddCert(cert)
			}
		}
		if name {
			opts.DNSName = s.ServerName
		}
		_, err := s.PeerCertificates[0].Verify(opts)
		return err
	}
}

func intermediates(s tls.ConnectionState) *x509.CertPool {
	pool := x509.NewCertPool()
	for _, cert := range s.PeerCertificates[1:] {
		pool.AddCert(cert)
	}
	return pool
}

// base reads what servers and clients have in common.
func (o *Options) base() (*tls.Config, []error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	var errs []error
	if o.Keystore != "" && (o.Certificate != "" || o.Key != "") {
		errs = append(errs, plugin.OptionError("ssl_keystore_path", errors.New("ssl_keystore_path and ssl_certificate exclude each other")))
	}
	if o.Truststore != "" && len(o.Authorities) > 0 {
		errs = append(errs, plugin.OptionError("ssl_truststore_path", errors.New("ssl_truststore_path and ssl_certificate_authorities exclude each other")))
	}
	if err := o.setProtocols(c); err != nil {
		errs = append(errs, err)
	}
	if err := o.setCiphers(c); err != nil {
		errs = append(errs, err)
	}
	if cert, err := o.certificate(); err != nil {
		errs = append(errs, err)
	} else if cert != nil {
		c.Certificates = []tls.Certificate{*cert}
	}
	pool, err := o.authorities()
	if err != nil {
		errs = append(errs, err)
	}
	if pool == nil && o.TrustKeystore && len(c.Certificates) > 0 {
		pool = trusting(c.Certificates[0].Certificate[1:])
	}
	c.RootCAs = pool
	return c, errs
}

// trusting returns the authorities of the system, with further certificates.
func trusting(certificates [][]byte) *x509.CertPool {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	for _, der := range certificates {
		if c, err := x509.ParseCertificate(der); err == nil { // as it was, when the keystore was read
			pool.AddCert(c)
		}
	}
	return pool
}

func (o *Options) setProtocols(c *tls.Config) error {
	versions := map[string]uint16{"TLSv1.1": tls.VersionTLS11, "TLSv1.2": tls.VersionTLS12, "TLSv1.3": tls.VersionTLS13}
	for i, name := range o.Protocols {
		v, ok := versions[name]
		if !ok {
			return plugin.OptionError("ssl_supported_protocols", fmt.Errorf("unknown protocol %q: TLSv1.1, TLSv1.2, TLSv1.3", name))
		}
		if i == 0 || v < c.MinVersion {
			c.MinVersion = v
		}
		c.MaxVersion = max(c.MaxVersion, v)
	}
	return nil
}

// setCiphers takes the suites that there are. Java knows more: as what is offered is a choice, others may be in the list if one that is known is,
// or if only TLS 1.3 is spoken, which has its own.
func (o *Options) setCiphers(c *tls.Config) error {
	missing := ""
	for _, name := range o.CipherSuites {
		id := uint16(0)
		for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
			if s.Name == name {
				id = s.ID
			}
		}
		switch {
		case id != 0:
			c.CipherSuites = append(c.CipherSuites, id)
		case !strings.HasPrefix(name, "TLS_"):
			return plugin.OptionError("ssl_cipher_suites", fmt.Errorf("unknown cipher suite %q", name))
		default:
			missing = name
		}
	}
	if missing != "" && len(c.CipherSuites) == 0 && c.MinVersion < tls.VersionTLS13 {
		return plugin.OptionError("ssl_cipher_suites", fmt.Errorf("there is no cipher suite %q, nor any other of the list", missing))
	}
	return nil
}

func (o *Options) certificate() (*tls.Certificate, error) {
	switch {
	case o.Keystore != "":
		cert, err := keystoreCertificate(o.Keystore, o.KeystoreType, o.KeystorePassword.Reveal(), o.KeyPassphrase.Reveal())
		if err != nil {
			return nil, plugin.OptionError("ssl_keystore_path", err)
		}
		return cert, nil
	case o.Certificate == "" && o.Key == "":
		return nil, nil
	case o.Certificate == "":
		return nil, plugin.OptionError("ssl_key", errors.New("ssl_key needs ssl_certificate"))
	case o.Key == "":
		return nil, plugin.OptionError("ssl_certificate", errors.New("ssl_certificate needs ssl_key"))
	}
	chain, err := os.ReadFile(o.Certificate)
	if err != nil {
		return nil, plugin.OptionError("ssl_certificate", err)
	}
	for _, path := range o.ExtraChain {
		more, err := os.ReadFile(path)
		if err != nil {
			return nil, plugin.OptionError("ssl_extra_chain_certs", err)
		}
		chain = append(append(chain, '\n'), more...)
	}
	key, err := readKey(o.Key, o.KeyPassphrase.Reveal())
	if err != nil {
		return nil, plugin.OptionError("ssl_key", err)
	}
	cert, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return nil, plugin.OptionError("ssl_certificate", err)
	}
	return &cert, nil
}

// readKey returns a private key as an unencrypted PEM block.
func readKey(path, passphrase string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(data)
	switch {
	case block == nil:
		return nil, fmt.Errorf("no PEM block in %q", path)
	case block.Type == "ENCRYPTED PRIVATE KEY":
		key, err := pkcs8.ParsePKCS8PrivateKey(block.Bytes, []byte(passphrase))
		if err != nil {
			return nil, fmt.Errorf("decrypting %q: %w (is ssl_key_passphrase right?)", path, err)
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return nil, err
		}
		return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
	//lint:ignore SA1019 keys encrypted in the old way are still about, and what they protect is not ours to judge
	case x509.IsEncryptedPEMBlock(block):
		//lint:ignore SA1019 see above
		der, err := x509.DecryptPEMBlock(block, []byte(passphrase))
		if err != nil {
			return nil, fmt.Errorf("decrypting %q: %w (is ssl_key_passphrase right?)", path, err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: der}), nil
	}
	return data, nil
}

func (o *Options) authorities() (*x509.CertPool, error) {
	if o.Truststore != "" {
		pool, err := truststorePool(o.Truststore, o.TruststoreType, o.TruststorePassword.Reveal())
		if err != nil {
			return nil, plugin.OptionError("ssl_truststore_path", err)
		}
		return pool, nil
	}
	if len(o.Authorities) == 0 {
		return nil, nil
	}
	pool := x509.NewCertPool()
	for _, path := range o.Authorities {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, plugin.OptionError("ssl_certificate_authorities", err)
		}
		if !pool.AppendCertsFromPEM(data) {
			return nil, plugin.OptionError("ssl_certificate_authorities", fmt.Errorf("no certificate in %q", path))
		}
	}
	return pool, nil
}
