package secrets

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"hash"
	"math/big"
	"unicode/utf16"
)

// The library that reads certificates from PKCS#12 files leaves out secret keys, hence this: the structures of RFC 7292, as far as Java uses
// them for secret keys.

var (
	oidData          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidSecretBag     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 5}
	oidFriendlyName  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 20}
	oidPBES2         = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidSHA1TripleDES = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 1, 3}
	oidAES128        = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 2}
	oidAES256        = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}
	oidHMACSHA1      = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 7}
	oidHMACSHA256    = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}
	oidHMACSHA512    = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 11}
)

// maxIterations bounds what a file can make the program compute; Java takes 10,000, and took 50,000.
const maxIterations = 200_000

type contentInfo struct {
	Type    asn1.ObjectIdentifier
	Content asn1.RawValue `asn1:"tag:0,explicit,optional"`
}

type safeBag struct {
	ID         asn1.ObjectIdentifier
	Value      asn1.RawValue  `asn1:"tag:0,explicit"`
	Attributes []bagAttribute `asn1:"set,optional"`
}

type bagAttribute struct {
	ID    asn1.ObjectIdentifier
	Value asn1.RawValue `asn1:"set"`
}

type secretBag struct {
	Type  asn1.ObjectIdentifier
	Value []byte `asn1:"tag:0,explicit"`
}

type encryptedKey struct {
	Algorithm pkix.AlgorithmIdentifier
	Data      []byte
}

type plainKey struct {
	Version   int
	Algorithm pkix.AlgorithmIdentifier
	Key       []byte
}

// decode returns the secret keys of a file by their aliases. What follows the file's structure is not looked at.
func decode(data []byte, password string) (map[string][]byte, error) {
	var file struct {
		Version int
		Safe    contentInfo
		MAC     asn1.RawValue `asn1:"optional"`
	}
	if _, err := asn1.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("it is no PKCS#12 file: %w", err)
	}
	contents, err := octets(file.Safe)
	if err != nil {
		return nil, err
	}
	var infos []contentInfo
	if _, err := asn1.Unmarshal(contents, &infos); err != nil {
		return nil, err
	}
	keys := make(map[string][]byte)
	for _, info := range infos {
		if !info.Type.Equal(oidData) {
			continue // encrypted certificates
		}
		content, err := octets(info)
		if err != nil {
			return nil, err
		}
		if err := decodeBags(content, password, keys); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

func octets(info contentInfo) ([]byte, error) {
	var content []byte
	if !info.Type.Equal(oidData) {
		return nil, fmt.Errorf("contents of the type %v cannot be read", info.Type)
	}
	_, err := asn1.Unmarshal(info.Content.Bytes, &content)
	return content, err
}

func decodeBags(content []byte, password string, keys map[string][]byte) error {
	var bags []safeBag
	if _, err := asn1.Unmarshal(content, &bags); err != nil {
		return err
	}
	for _, bag := range bags {
		alias := friendlyName(bag.Attributes)
		if !bag.ID.Equal(oidSecretBag) || alias == "" {
			continue
		}
		var secret secretBag
		if _, err := asn1.Unmarshal(bag.Value.Bytes, &secret); err != nil {
			return err
		}
		var encrypted encryptedKey
		if _, err := asn1.Unmarshal(secret.Value, &encrypted); err != nil {
			return err
		}
		plain, err := decrypt(encrypted, password)
		if err != nil {
			return err
		}
		var key plainKey
		if _, err := asn1.Unmarshal(plain, &key); err != nil {
			return errWrongPassword
		}
		keys[alias] = key.Key
	}
	return nil
}

func friendlyName(attributes []bagAttribute) string {
	for _, a := range attributes {
		if !a.ID.Equal(oidFriendlyName) {
			continue
		}
		var name asn1.RawValue
		if _, err := asn1.Unmarshal(a.Value.Bytes, &name); err != nil || len(name.Bytes)%2 != 0 {
			return ""
		}
		units := make([]uint16, len(name.Bytes)/2)
		for i := range units {
			units[i] = uint16(name.Bytes[2*i])<<8 | uint16(name.Bytes[2*i+1])
		}
		return string(utf16.Decode(units))
	}
	return ""
}

var errWrongPassword = errors.New("the password (LOGSTASH_KEYSTORE_PASS) is wrong")

func decrypt(e encryptedKey, password string) ([]byte, error) {
	var block cipher.Block
	var iv []byte
	var err error
	switch id := e.Algorithm.Algorithm; {
	case id.Equal(oidPBES2):
		block, iv, err = pbes2(e.Algorithm.Parameters, password)
	case id.Equal(oidSHA1TripleDES):
		block, iv, err = sha1TripleDES(e.Algorithm.Parameters, password)
	default:
		return nil, fmt.Errorf("the algorithm %v of a key is not supported", id)
	}
	if err != nil {
		return nil, err
	}
	if len(iv) != block.BlockSize() || len(e.Data) == 0 || len(e.Data)%block.BlockSize() != 0 {
		return nil, errors.New("a key has no valid length")
	}
	plain := make([]byte, len(e.Data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, e.Data)
	pad := int(plain[len(plain)-1])
	if pad == 0 || pad > block.BlockSize() || !bytes.HasSuffix(plain, bytes.Repeat([]byte{byte(pad)}, pad)) {
		return nil, errWrongPassword
	}
	return plain[:len(plain)-pad], nil
}

// pbes2 is the way of Java since 8u301, 11.0.12 and 16.
func pbes2(params asn1.RawValue, password string) (cipher.Block, []byte, error) {
	var p struct {
		KDF struct {
			Algorithm asn1.ObjectIdentifier
			Params    struct {
				Salt       []byte
				Iterations int
				KeyLength  int                      `asn1:"optional"`
				PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
			}
		}
		Cipher struct {
			Algorithm asn1.ObjectIdentifier
			IV        []byte
		}
	}
	if _, err := asn1.Unmarshal(params.FullBytes, &p); err != nil {
		return nil, nil, err
	}
	var h func() hash.Hash
	switch prf := p.KDF.Params.PRF.Algorithm; {
	case len(prf) == 0 || prf.Equal(oidHMACSHA1):
		h = sha1.New
	case prf.Equal(oidHMACSHA256):
		h = sha256.New
	case prf.Equal(oidHMACSHA512):
		h = sha512.New
	default:
		return nil, nil, fmt.Errorf("the hash %v of a key is not supported", prf)
	}
	length := 0
	switch id := p.Cipher.Algorithm; {
	case id.Equal(oidAES128):
		length = 16
	case id.Equal(oidAES256):
		length = 32
	default:
		return nil, nil, fmt.Errorf("the cipher %v of a key is not supported", id)
	}
	if n := p.KDF.Params.Iterations; n < 1 || n > maxIterations {
		return nil, nil, fmt.Errorf("%d iterations for a key", n)
	}
	key, err := pbkdf2.Key(h, password, p.KDF.Params.Salt, p.KDF.Params.Iterations, length)
	if err != nil {
		return nil, nil, err
	}
	block, err := aes.NewCipher(key)
	return block, p.Cipher.IV, err
}

// sha1TripleDES is the way of Java before.
func sha1TripleDES(params asn1.RawValue, password string) (cipher.Block, []byte, error) {
	var p struct {
		Salt       []byte
		Iterations int
	}
	if _, err := asn1.Unmarshal(params.FullBytes, &p); err != nil {
		return nil, nil, err
	}
	if p.Iterations < 1 || p.Iterations > maxIterations || len(p.Salt) == 0 {
		return nil, nil, fmt.Errorf("%d iterations for a key", p.Iterations)
	}
	var bmp []byte
	for _, u := range utf16.Encode([]rune(password + "\x00")) {
		bmp = append(bmp, byte(u>>8), byte(u))
	}
	block, err := des.NewTripleDESCipher(derive(1, bmp, p.Salt, p.Iterations, 24))
	return block, derive(2, bmp, p.Salt, p.Iterations, 8), err
}

// derive makes keys (purpose 1) and initial vectors (2) of a password by the algorithm of RFC 7292, appendix B.2, with SHA-1.
func derive(purpose byte, password, salt []byte, iterations, length int) []byte {
	const size, block = sha1.Size, sha1.BlockSize
	fill := func(b []byte) []byte {
		n := (len(b) + block - 1) / block * block
		return bytes.Repeat(b, n/len(b)+1)[:n]
	}
	input := append(fill(salt), fill(password)...)
	var out []byte
	for len(out) < length {
		sum := sha1.Sum(append(bytes.Repeat([]byte{purpose}, block), input...))
		for range iterations - 1 {
			sum = sha1.Sum(sum[:])
		}
		out = append(out, sum[:]...)
		b := bytes.Repeat(sum[:], block/size+1)[:block]
		increment := new(big.Int).Add(new(big.Int).SetBytes(b), big.NewInt(1))
		for i := 0; i < len(input); i += block {
			n := new(big.Int).Add(new(big.Int).SetBytes(input[i:i+block]), increment)
			raw := n.FillBytes(make([]byte, block+1))
			copy(input[i:], raw[1:])
		}
	}
	return out[:length]
}
