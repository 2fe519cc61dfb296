package syslog

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
)

// revoked are lists of certificates that their authorities took back.
type revoked []*x509.RevocationList

// readRevoked reads the lists of a file.
func readRevoked(path string) (revoked, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var lists revoked
	add := func(der []byte) error {
		l, err := x509.ParseRevocationList(der)
		if err != nil {
			return fmt.Errorf("reading revoked certificates in %q: %w", path, err)
		}
		lists = append(lists, l)
		return nil
	}
	if !bytes.Contains(data, []byte("-----BEGIN")) {
		err := add(data)
		return lists, err
	}
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "X509 CRL" {
			continue
		}
		if err := add(block.Bytes); err != nil {
			return nil, err
		}
	}
	if len(lists) == 0 {
		return nil, fmt.Errorf("reading revoked certificates in %q: there is no list", path)
	}
	return lists, nil
}

// check returns what verifies a connection whose chain was verified before: no certificate of it, or of all but the authority, is in a list
// of its issuer.
func (r revoked) check(chain bool) func(tls.ConnectionState) error {
	return func(s tls.ConnectionState) error {
		var last error
		for _, certs := range s.VerifiedChains {
			if last = r.checkChain(certs, chain); last == nil {
				return nil
			}
		}
		return last
	}
}

func (r revoked) checkChain(certs []*x509.Certificate, all bool) error {
	for i, cert := range certs {
		if i+1 == len(certs) || i > 0 && !all {
			break
		}
		known := false
		for _, l := range r {
			if !bytes.Equal(l.RawIssuer, cert.RawIssuer) || l.CheckSignatureFrom(certs[i+1]) != nil {
				continue
			}
			known = true
			for _, entry := range l.RevokedCertificateEntries {
				if entry.SerialNumber.Cmp(cert.SerialNumber) == 0 {
					return fmt.Errorf("the certificate of %q was revoked", cert.Subject.String())
				}
			}
		}
		if !known {
			return fmt.Errorf("there is no list of revoked certificates by %q", cert.Issuer.String())
		}
	}
	return nil
}
