// Package digest makes the digests of the filters fingerprint and anonymize: cryptographic ones with and without a key, MurmurHash3,
// and networks of addresses.
package digest

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"net/netip"

	"millrace/pipeline/event"
)

// Hash makes one kind of cryptographic digest. One owner, no lock.
type Hash struct {
	hash hash.Hash
	in   []byte
	sum  []byte
}

// NewHash returns a Hash by its name in configs (SHA1, SHA256, SHA384, SHA512, MD5). With keyed set it is an HMAC with the key, which
// may be empty.
func NewHash(name string, key string, keyed bool) *Hash {
	make := map[string]func() hash.Hash{
		"SHA1": sha1.New, "SHA256": sha256.New, "SHA384": sha512.New384, "SHA512": sha512.New, "MD5": md5.New,
	}[name]
	if make == nil {
		panic("BUG: unknown digest " + name)
	}
	if keyed {
		return &Hash{hash: hmac.New(make, []byte(key))}
	}
	return &Hash{hash: make()}
}

// Text returns the digest of what f appends, in hexadecimal digits or base64.
func (h *Hash) Text(a *event.Arena, inBase64 bool, f func(dst []byte) []byte) string {
	h.in = f(h.in[:0])
	h.hash.Reset()
	h.hash.Write(h.in)
	h.sum = h.hash.Sum(h.sum[:0])
	if inBase64 {
		return a.Take(base64.StdEncoding.AppendEncode(a.Free(), h.sum))
	}
	return a.Take(hex.AppendEncode(a.Free(), h.sum))
}

// Network returns the network that an address is in, its first bits and zeros behind them. The address may have a prefix length of its
// own, as Ruby's IPAddr reads it.
func Network(a *event.Arena, address string, bits int) (string, error) {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		prefix, err := netip.ParsePrefix(address)
		if err != nil {
			return "", fmt.Errorf("%q is no IP address", address)
		}
		ip = prefix.Masked().Addr()
	}
	network, err := ip.WithZone("").Prefix(bits)
	if err != nil {
		return "", fmt.Errorf("the address %q has no prefix of %d bits", address, bits)
	}
	return a.Take(network.Addr().AppendTo(a.Free())), nil
}
