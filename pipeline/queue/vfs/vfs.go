// Package vfs is the little of a file system that the disk queues need, so that tests can put one under them that
// loses power.
package vfs

import (
	"errors"
	"io"
)

// ErrLocked is returned by FS.Lock when another process, or another user of the same process, holds the lock.
var ErrLocked = errors.New("locked by another process")

// FS is a file system. Names are paths as the operating system has them. All methods may be called concurrently.
type FS interface {
	// MkdirAll makes the folder and those above it.
	MkdirAll(dir string) error
	// ReadDir returns the names (without the folder) of the files in dir, sorted.
	ReadDir(dir string) ([]string, error)
	// Create makes a file that must not exist, and opens it for reading and writing.
	Create(name string) (File, error)
	// Open opens an existing file for reading, and for writing where permissions allow.
	Open(name string) (File, error)
	// Remove deletes a file.
	Remove(name string) error
	// Rename moves a file, in place of another of that name.
	Rename(from, to string) error
	// SyncDir makes the names of the files in dir survive a loss of power.
	SyncDir(dir string) error
	// Lock takes the lock that the named file stands for, and gives it back when the result is closed or the process ends.
	// It never waits: ErrLocked says that somebody has it.
	Lock(name string) (io.Closer, error)
}

// File is an open file. ReadAt and WriteAt may be called concurrently for ranges that do not overlap.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	// Sync makes what was written survive a loss of power.
	Sync() error
	Truncate(size int64) error
	Size() (int64, error)
}
