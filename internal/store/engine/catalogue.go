package engine

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/klauspost/compress/s2"
	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// The catalogue is a bbolt database that knows what the store consists of: the indices, the segments of each, what was deleted from them,
// and the log of bulk requests that are in no segment on disk yet. Everything that has to happen at once or not at all is one transaction
// of it: a bulk request; a new segment together with the end of the log it was made from; a merged segment in the place of others.
var (
	bucketIndices  = []byte("indices")  // key of an index → indexRecord
	bucketMeta     = []byte("meta")     // key of an index → what the owner keeps with it
	bucketSegments = []byte("segments") // key of a segment → segmentRecord
	bucketDeleted  = []byte("deleted")  // key of a segment → compressed bitset
	bucketLog      = []byte("log")      // number → a bucket with the request, see appendLog
	keyBody        = []byte("b")
)

// lockTimeout is how long to wait for a process that is about to end.
const lockTimeout = 5 * time.Second

type catalogue struct{ db *bolt.DB }

// indexRecord is what the catalogue keeps of an index.
type indexRecord struct {
	Key     uint64 `json:"-"`
	Name    string `json:"name"`
	Created int64  `json:"created"`
	// NextSeq is at least the number after the greatest of what is in segments; the log has later ones.
	NextSeq int64  `json:"next_seq"`
	Meta    []byte `json:"-"`
}

// segmentRecord is what the catalogue keeps of a segment: its name is its key, its index and length are here, the rest is in the file.
type segmentRecord struct {
	Key   uint64 `json:"-"`
	Index uint64 `json:"index"`
	Bytes uint64 `json:"bytes"`
}

func openCatalogue(path string) (*catalogue, error) {
	// The list of free pages is made anew at each start, from a file that holds little else than the log: written with each request it
	// would be a good part of what a small request writes.
	db, err := bolt.Open(path, 0o600, &bolt.Options{NoFreelistSync: true, FreelistType: bolt.FreelistMapType, Timeout: lockTimeout})
	if errors.Is(err, berrors.ErrTimeout) {
		return nil, fmt.Errorf("opening the catalogue %q: another process has it open", path)
	} else if err != nil {
		return nil, fmt.Errorf("opening the catalogue %q: %w", path, err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		for _, name := range [][]byte{bucketIndices, bucketMeta, bucketSegments, bucketDeleted, bucketLog} {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		db.Close()
		return nil, fmt.Errorf("opening the catalogue %q: %w", path, err)
	}
	return &catalogue{db}, nil
}

func (c *catalogue) close() error { return c.db.Close() }

func key(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// update runs one transaction; where it does not come to its end, nothing of it happened.
func (c *catalogue) update(f func(tx catalogueTx) error) error {
	return fullError(c.db.Update(func(tx *bolt.Tx) error { return f(catalogueTx{tx}) }))
}

// catalogueTx is the changes of one transaction.
type catalogueTx struct{ tx *bolt.Tx }

// newIndexKey returns a key that no index had before: the log may still speak of one that was deleted.
func (t catalogueTx) newIndexKey() (uint64, error) { return t.tx.Bucket(bucketIndices).NextSequence() }

func (t catalogueTx) putIndex(r *indexRecord) error {
	p, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return t.tx.Bucket(bucketIndices).Put(key(r.Key), p)
}

func (t catalogueTx) putMeta(index uint64, meta []byte) error {
	return t.tx.Bucket(bucketMeta).Put(key(index), meta)
}

// hasIndex tells whether an index still exists: a segment may come to its end after its index was removed.
func (t catalogueTx) hasIndex(index uint64) bool {
	return t.tx.Bucket(bucketIndices).Get(key(index)) != nil
}

func (t catalogueTx) deleteIndex(index uint64, segments []uint64) error {
	if err := t.tx.Bucket(bucketIndices).Delete(key(index)); err != nil {
		return err
	}
	if err := t.tx.Bucket(bucketMeta).Delete(key(index)); err != nil {
		return err
	}
	for _, s := range segments {
		if err := t.deleteSegment(s); err != nil {
			return err
		}
	}
	return nil
}

func (t catalogueTx) putSegment(r segmentRecord) error {
	p, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return t.tx.Bucket(bucketSegments).Put(key(r.Key), p)
}

func (t catalogueTx) deleteSegment(segment uint64) error {
	if err := t.tx.Bucket(bucketSegments).Delete(key(segment)); err != nil {
		return err
	}
	return t.tx.Bucket(bucketDeleted).Delete(key(segment))
}

// putDeleted stores which documents of a segment are deleted, unless the segment is gone.
func (t catalogueTx) putDeleted(segment uint64, deleted bitset) error {
	if t.tx.Bucket(bucketSegments).Get(key(segment)) == nil {
		return nil
	}
	p := make([]byte, 0, len(deleted)*8)
	for _, w := range deleted {
		p = binary.LittleEndian.AppendUint64(p, w)
	}
	return t.tx.Bucket(bucketDeleted).Put(key(segment), s2.Encode(nil, p))
}

// appendLog adds a request. It gets a bucket of its own: in one bucket with others it would share a page with its neighbour, which would
// be written again with it (measured: 73 MB of file and eleven times the latency against 16 MB).
func (t catalogueTx) appendLog(n uint64, body []byte) error {
	b, err := t.tx.Bucket(bucketLog).CreateBucket(key(n))
	if err != nil {
		return err
	}
	return b.Put(keyBody, body)
}

// trimLog removes the requests up to a number.
func (t catalogueTx) trimLog(upTo uint64) error {
	log := t.tx.Bucket(bucketLog)
	var old [][]byte
	c := log.Cursor()
	for k, _ := c.First(); k != nil && binary.BigEndian.Uint64(k) <= upTo; k, _ = c.Next() {
		old = append(old, slices.Clone(k))
	}
	for _, k := range old {
		if err := log.DeleteBucket(k); err != nil {
			return err
		}
	}
	return nil
}

// contents is the catalogue as it is found at a start.
type contents struct {
	indices  []indexRecord
	segments []segmentRecord
	deleted  map[uint64]bitset
}

func (c *catalogue) load() (*contents, error) {
	all := &contents{deleted: map[uint64]bitset{}}
	err := c.db.View(func(tx *bolt.Tx) error {
		err := tx.Bucket(bucketIndices).ForEach(func(k, v []byte) error {
			r := indexRecord{Key: binary.BigEndian.Uint64(k)}
			if err := json.Unmarshal(v, &r); err != nil {
				return fmt.Errorf("%w: catalogue: %w", ErrCorrupt, err)
			}
			r.Meta = slices.Clone(tx.Bucket(bucketMeta).Get(k))
			all.indices = append(all.indices, r)
			return nil
		})
		if err != nil {
			return err
		}
		err = tx.Bucket(bucketSegments).ForEach(func(k, v []byte) error {
			r := segmentRecord{Key: binary.BigEndian.Uint64(k)}
			if err := json.Unmarshal(v, &r); err != nil {
				return fmt.Errorf("%w: catalogue: %w", ErrCorrupt, err)
			}
			all.segments = append(all.segments, r)
			return nil
		})
		if err != nil {
			return err
		}
		return tx.Bucket(bucketDeleted).ForEach(func(k, v []byte) error {
			p, err := s2.Decode(nil, v)
			if err != nil || len(p)%8 != 0 {
				return corrupt("set of deleted documents")
			}
			all.deleted[binary.BigEndian.Uint64(k)] = bitsetOf(p)
			return nil
		})
	})
	return all, err
}

// replay calls do with each request of the log in its order. body is valid until do returns.
func (c *catalogue) replay(do func(n uint64, body []byte) error) error {
	return c.db.View(func(tx *bolt.Tx) error {
		log := tx.Bucket(bucketLog)
		return log.ForEachBucket(func(k []byte) error {
			return do(binary.BigEndian.Uint64(k), log.Bucket(k).Get(keyBody))
		})
	})
}
