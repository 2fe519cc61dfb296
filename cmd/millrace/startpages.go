package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"syscall"
)

// forgetStart gives back the pages of the program's own file that only the start needed: tables of plugins that no pipeline has, code
// that reads configurations. They are clean and come back from the file when somebody wants them; of 22 MB some 8 do. What cannot be
// given back stays: it is a saving and nothing else.
func forgetStart() error {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return err
	}
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return err
	}
	for _, m := range fileMappings(maps, exe) {
		if _, _, errno := syscall.Syscall(syscall.SYS_MADVISE, m.start, m.end-m.start, syscall.MADV_DONTNEED); errno != 0 {
			return fmt.Errorf("giving back pages of %s: %w", exe, errno)
		}
	}
	return nil
}

// mapping is a range of addresses.
type mapping struct{ start, end uintptr }

// fileMappings returns the mappings of a file that nothing can be written to, from the text of /proc/self/maps: address range,
// permissions, offset, device, inode, path.
func fileMappings(maps []byte, file string) (found []mapping) {
	lines := bufio.NewScanner(bytes.NewReader(maps))
	for lines.Scan() {
		var m mapping
		var perms, offset, device, path string
		var inode uint64
		n, _ := fmt.Sscanf(lines.Text(), "%x-%x %s %s %s %d %s", &m.start, &m.end, &perms, &offset, &device, &inode, &path)
		if n == 7 && path == file && len(perms) == 4 && perms[1] == '-' && perms[3] == 'p' {
			found = append(found, m)
		}
	}
	return found
}
