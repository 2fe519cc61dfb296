package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// identity tells files apart whatever they are called. The parts of the device's number are those that Logstash writes, so that its
// sincedb files can be read: JRuby takes the number apart as systems did when it had 32 bits.
type identity struct {
	inode        uint64
	major, minor uint32
}

func identityOf(info fs.FileInfo) identity {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return identity{}
	}
	dev := uint64(st.Dev)
	return identity{inode: st.Ino, major: uint32(dev>>24) & 0xff, minor: uint32(dev) & 0xffffff}
}

// position is what the sincedb knows of a file.
type position struct {
	offset  int64
	changed time.Time // when it was seen last with something new
	path    string    // where it was then; "" in files of old releases
}

// parseSincedb reads a sincedb file: on each line inode, device, position and, since release 5, time and path. Lines that cannot be
// read are left out.
func parseSincedb(data []byte, now time.Time) map[identity]position {
	all := make(map[identity]position)
	for line := range strings.SplitSeq(string(data), "\n") {
		fields := strings.SplitN(strings.TrimRight(line, "\r"), " ", 6)
		if len(fields) < 4 {
			continue
		}
		inode, err1 := strconv.ParseUint(fields[0], 10, 64)
		major, err2 := strconv.ParseUint(fields[1], 10, 32)
		minor, err3 := strconv.ParseUint(fields[2], 10, 32)
		offset, err4 := strconv.ParseInt(fields[3], 10, 64)
		if errors.Join(err1, err2, err3, err4) != nil || offset < 0 {
			continue
		}
		p := position{offset: offset, changed: now}
		if len(fields) > 4 {
			if at, err := strconv.ParseFloat(fields[4], 64); err == nil && at > 0 && at < 1<<40 {
				p.changed = time.UnixMicro(int64(at * 1e6))
			}
		}
		if len(fields) > 5 {
			p.path = fields[5]
		}
		all[identity{inode, uint32(major), uint32(minor)}] = p
	}
	return all
}

func appendSincedb(dst []byte, id identity, p position) []byte {
	return fmt.Appendf(dst, "%d %d %d %d %d.%06d %s\n", id.inode, id.major, id.minor, p.offset, p.changed.Unix(), p.changed.Nanosecond()/1000, p.path)
}

// loadSincedb reads a file; one that is not there is empty.
func loadSincedb(name string) (map[identity]position, error) {
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return make(map[identity]position), nil
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading the sincedb: %w", err)
	}
	return parseSincedb(data, time.Now()), nil
}
