package collectd

import (
	"bufio"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha1" // the checksum of the protocol
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

var (
	errUser      = errors.New("the sender's user is not in authfile")
	errSignature = errors.New("the signature is wrong")
	errChecksum  = errors.New("the checksum of the decrypted packet is wrong")
)

// verify checks the signature of what follows it.
func (d *decoder) verify(body, rest string, s *state) error {
	if d.o.SecurityLevel == levelNone {
		return nil
	}
	if len(body) <= sha256.Size {
		return errLength
	}
	user := body[sha256.Size:]
	password, ok := d.users.of(user)
	if !ok {
		return errUser
	}
	mac := hmac.New(sha256.New, []byte(password))
	mac.Write([]byte(user + rest))
	if !hmac.Equal(mac.Sum(nil), []byte(body[:sha256.Size])) {
		return errSignature
	}
	s.trusted = s.trusted || d.o.SecurityLevel == levelSign
	return nil
}

// decrypt returns what an encrypted part holds: a checksum, and the parts of a packet.
func (d *decoder) decrypt(body string) (string, error) {
	if len(body) < 2 {
		return "", errLength
	}
	n := int(be16(body))
	if len(body) < 2+n+aes.BlockSize+sha1.Size {
		return "", errLength
	}
	user, iv, data := body[2:2+n], body[2+n:2+n+aes.BlockSize], []byte(body[2+n+aes.BlockSize:])
	password, ok := d.users.of(user)
	if !ok {
		return "", errUser
	}
	key := sha256.Sum256([]byte(password))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic("BUG: " + err.Error())
	}
	outputFeedback(block, []byte(iv), data)
	sum := sha1.Sum(data[sha1.Size:])
	if string(sum[:]) != string(data[:sha1.Size]) {
		return "", errChecksum
	}
	return string(data[sha1.Size:]), nil
}

// outputFeedback decrypts data in its place by the mode that the protocol uses, which the standard library has only as deprecated.
func outputFeedback(block cipher.Block, iv, data []byte) {
	for i := range data {
		at := i % len(iv)
		if at == 0 {
			block.Encrypt(iv, iv)
		}
		data[i] ^= iv[at]
	}
}

// passwords are those of authfile, by user.
type passwords struct {
	path string

	mu      sync.Mutex
	checked time.Time // when the file was last looked at
	changed time.Time // when it had been written then
	byUser  map[string]string
}

// checkEvery is how often it is looked whether authfile has changed.
const checkEvery = time.Second

func readPasswords(path string) (*passwords, error) {
	p := &passwords{path: path}
	return p, p.read()
}

func (p *passwords) read() error {
	f, err := os.Open(p.path)
	if err != nil {
		return fmt.Errorf("reading passwords: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("reading passwords: %w", err)
	}
	byUser := make(map[string]string)
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if user, password, ok := strings.Cut(lines.Text(), ": "); ok && user != "" && password != "" {
			byUser[user] = password
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("reading passwords in %q: %w", p.path, err)
	}
	p.byUser, p.checked, p.changed = byUser, time.Now(), info.ModTime()
	return nil
}

// of returns a user's password. A file that cannot be read again leaves what it said before.
func (p *passwords) of(user string) (string, bool) {
	if p == nil {
		return "", false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.checked) > checkEvery {
		p.checked = time.Now()
		if info, err := os.Stat(p.path); err == nil && !info.ModTime().Equal(p.changed) {
			_ = p.read()
		}
	}
	password, ok := p.byUser[user]
	return password, ok
}
