package plugin

import "errors"

// sinkError is an error of Sink.Push.
type sinkError struct{ err error }

func (e *sinkError) Error() string { return e.err.Error() }
func (e *sinkError) Unwrap() error { return e.err }

// FromSink marks an error of [Sink.Push], for an input that goes on when what it reads from fails, and must end when the queue does.
func FromSink(err error) error { return &sinkError{err} }

// SinkError returns the error of [Sink.Push] that err comes from, nil if it comes from elsewhere.
func SinkError(err error) error {
	var s *sinkError
	if errors.As(err, &s) {
		return s.err
	}
	return nil
}
