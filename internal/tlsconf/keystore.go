package tlsconf

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/pavlo-v-chernykh/keystore-go/v4"
	"software.sslmate.com/src/go-pkcs12"
)

// isJKS decides the type of a Java keystore: by option, else by the magic number of its content.
func isJKS(kind string, data []byte) bool {
	if kind != "" {
		return strings.EqualFold(kind, "jks")
	}
	return bytes.HasPrefix(data, []byte{0xFE, 0xED, 0xFE, 0xED})
}

// keystoreCertificate returns the first private key of a keystore with its chain. A key of a JKS keystore may have a password of its own.
func keystoreCertificate(path, kind, password, keyPassword string) (*tls.Certificate, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if isJKS(kind, data) {
		return jksCertificate(data, password, keyPassword)
	}
	key, leaf, chain, err := pkcs12.DecodeChain(data, password)
	if err != nil {
		return nil, fmt.Errorf("reading the PKCS#12 keystore: %w", err)
	}
	cert := &tls.Certificate{PrivateKey: key, Leaf: leaf, Certificate: [][]byte{leaf.Raw}}
	for _, c := range chain {
		cert.Certificate = append(cert.Certificate, c.Raw)
	}
	return cert, nil
}

func jksCertificate(data []byte, password, keyPassword string) (*tls.Certificate, error) {
	if keyPassword == "" {
		keyPassword = password
	}
	ks := keystore.New()
	if err := ks.Load(bytes.NewReader(data), []byte(password)); err != nil {
		return nil, fmt.Errorf("reading the JKS keystore: %w", err)
	}
	for _, alias := range ks.Aliases() {
		if !ks.IsPrivateKeyEntry(alias) {
			continue
		}
		entry, err := ks.GetPrivateKeyEntry(alias, []byte(keyPassword))
		if err != nil {
			return nil, fmt.Errorf("reading the key %q of the JKS keystore: %w", alias, err)
		}
		key, err := x509.ParsePKCS8PrivateKey(entry.PrivateKey)
		if err != nil {
			return nil, err
		}
		cert := &tls.Certificate{PrivateKey: key}
		for _, c := range entry.CertificateChain {
			cert.Certificate = append(cert.Certificate, c.Content)
		}
		return cert, nil
	}
	return nil, errors.New("the keystore holds no private key")
}

// truststorePool returns the certificates of a truststore.
func truststorePool(path, kind, password string) (*x509.CertPool, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !isJKS(kind, data) {
		certs, err := pkcs12.DecodeTrustStore(data, password)
		if err != nil {
			return nil, fmt.Errorf("reading the PKCS#12 truststore: %w", err)
		}
		for _, c := range certs {
			pool.AddCert(c)
		}
		return pool, nil
	}
	ks := keystore.New()
	if err := ks.Load(bytes.NewReader(data), []byte(password)); err != nil {
		return nil, fmt.Errorf("reading the JKS truststore: %w", err)
	}
	for _, alias := range ks.Aliases() {
		entry, err := ks.GetTrustedCertificateEntry(alias)
		if err != nil {
			continue // a key, not a certificate to trust
		}
		c, err := x509.ParseCertificate(entry.Certificate.Content)
		if err != nil {
			return nil, err
		}
		pool.AddCert(c)
	}
	return pool, nil
}
